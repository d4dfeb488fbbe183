"""Requests that no client of ours would send: every field of a message with values that have broken others."""

import math
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

DEEPEST = 3
KEY_TRICKS = (
    "../{owner}/style/METHOD_LORA.safetensors",
    "{me}/../{owner}/style/METHOD_LORA.safetensors",
    "{owner}/style/METHOD_LORA.safetensors",
    "{owner}/in/picture.png",
    "{me}/./../{owner}/in/picture.png",
    "{me}//{owner}/in/picture.png",
    "{me}\\..\\{owner}\\in\\picture.png",
    "{me}/%2e%2e/{owner}/in/picture.png",
    "/etc/passwd",
    "{me}/in/../../../../etc/passwd",
    "{me}/in/\0/etc/passwd",
    "s3://{owner}/in/picture.png",
    "file:///etc/passwd",
    "{me}/" + "a/" * 600,
)
_TEXTS = (
    "",
    " ",
    "x",
    "a beach",
    "\u202e",
    "한글 👩‍🎨",
    "e\u0301" * 50,
    "\r\nX: y",
    "x" * 5000,
    "${jndi:x}",
    "0" * 32,
    "f" * 64,
)
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def hostile_requests(descriptor: Descriptor, *, me: str, owner: str) -> st.SearchStrategy[Message]:
    """Messages of this type that say they are from `me`, mostly, and reach for what is `owner`'s."""
    keys = [one.format(me=me, owner=owner) for one in KEY_TRICKS]

    @st.composite
    def request(draw: st.DrawFn) -> Message:
        message = draw(_messages(descriptor, tuple(keys), 0))
        if "owner" in descriptor.fields_by_name and draw(st.integers(0, 9)):
            message.owner = me  # type: ignore[attr-defined]  # checked above
        if "request_id" in descriptor.fields_by_name and draw(st.booleans()):
            message.request_id = "r1"  # type: ignore[attr-defined]
        return message

    return request()


def _messages(descriptor: Descriptor, keys: tuple[str, ...], depth: int) -> st.SearchStrategy[Message]:
    @st.composite
    def message(draw: st.DrawFn) -> Message:
        made = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if draw(st.integers(0, 3)) == 0 or (field.message_type is not None and depth >= DEEPEST):
                continue
            _set(draw, made, field, keys, depth)
        return made

    return message()


def _set(draw: st.DrawFn, made: Message, field: FieldDescriptor, keys: tuple[str, ...], depth: int) -> None:
    values = _messages(field.message_type, keys, depth + 1) if field.message_type else _scalars(field, keys)
    if field.is_repeated and field.message_type and field.message_type.GetOptions().map_entry:
        return
    if field.is_repeated:
        many = draw(st.sampled_from([0, 1, 2, 2, 200]))
        one = [draw(values) for _ in range(min(many, 2))]
        getattr(made, field.name).extend((one * many)[:many])
    elif field.message_type:
        getattr(made, field.name).CopyFrom(draw(values))
    else:
        setattr(made, field.name, draw(values))


def _scalars(field: FieldDescriptor, keys: tuple[str, ...]) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if kind in _INTEGERS:
        least, most = _INTEGERS[kind]
        return st.sampled_from([least, most, max(least, -1), 0, 1, 2, 7, 64, 1000]) | st.integers(least, most)
    if kind in _FLOATS:
        return st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e-40, 3e38, -1.0, 0.5])
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=64) | st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"{" * 9000, b'{"people": [{}]}'])
    return st.sampled_from([*keys, *_TEXTS]) | st.text(max_size=20)
