"""Write docs/services/api/*.md from the protos' comments; a test compares the pages with what this would write.

protoc parses the protos and keeps their comments in the descriptors' source info (google.protobuf.SourceCodeInfo).
"""

import functools
import tempfile
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / "protos"
PAGES = ROOT / "docs/services/api"
NOTE = (
    "Written by `python -m scripts.proto_pages` from the comments in [`{path}`](../../../protos/{path}); "
    "a test keeps it true.\n"
)

Place = tuple[int, ...]
# Numbers of fields in descriptor.proto, which a place in a file is made of.
MESSAGES, ENUMS, SERVICES, METHODS, FIELDS, NESTED, NESTED_ENUMS, VALUES = 4, 5, 6, 2, 2, 3, 4, 2
SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}


@functools.cache
def read_protos() -> FileDescriptorSet:
    """Every proto of ours, with its comments."""
    own = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    well_known = files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "descriptors"
        arguments = [f"-I{PROTOS}", f"-I{well_known}", f"--descriptor_set_out={found}", "--include_source_info", *own]
        if protoc.main(["protoc", *arguments]):
            raise SystemExit("protoc does not take the protos")
        return FileDescriptorSet.FromString(found.read_bytes())


class Comments:
    """What stands before each part of one file."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._by_place = {tuple(one.path): one.leading_comments for one in file.source_code_info.location}

    def at(self, place: Place, *, name: str) -> str:
        """As one paragraph."""
        text = " ".join(self._by_place.get(place, "").split())
        if not text:
            raise SystemExit(f"{name} has no comment")
        return text


def pages() -> dict[Path, str]:
    """Each page's text."""
    return {PAGES / file_name(file): page(file) for file in read_protos().file}


def file_name(file: FileDescriptorProto) -> str:
    """Of its page."""
    return f"{file.package.split('.')[1]}-{Path(file.name).stem}.md"


def page(file: FileDescriptorProto) -> str:
    """The page of one proto."""
    comments = Comments(file)
    parts = [f"# {file.package}: {Path(file.name).stem}\n\n", NOTE.format(path=file.name)]
    for index, service in enumerate(file.service):
        parts += service_parts(service, comments, (SERVICES, index))
    for index, message in enumerate(file.message_type):
        parts += message_parts(message, comments, (MESSAGES, index), message.name)
    for index, enum in enumerate(file.enum_type):
        parts += enum_parts(enum, comments, (ENUMS, index), enum.name)
    return "".join(parts)


def service_parts(service: ServiceDescriptorProto, comments: Comments, place: Place) -> Iterator[str]:
    yield f"\n## {service.name}\n\n{comments.at(place, name=service.name)}\n"
    for index, method in enumerate(service.method):
        answer = f"stream {link(method.output_type)}" if method.server_streaming else link(method.output_type)
        safe = " No side effects." if method.options.idempotency_level == method.options.NO_SIDE_EFFECTS else ""
        yield f"\n### {method.name}\n\n{link(method.input_type)} → {answer}.{safe}\n\n"
        yield f"{comments.at((*place, METHODS, index), name=method.name)}\n"


def message_parts(message: DescriptorProto, comments: Comments, place: Place, name: str) -> Iterator[str]:
    yield f"\n## {name}\n\n{comments.at(place, name=name)}\n"
    if message.field:
        yield "\n| field | type | what it says |\n|---|---|---|\n"
    for index, field in enumerate(message.field):
        says = cell(comments.at((*place, FIELDS, index), name=f"{name}.{field.name}"))
        yield f"| {field.number} `{field.name}` | {field_type(field, message)} | {says} |\n"
    for index, nested in enumerate(message.nested_type):
        yield from message_parts(nested, comments, (*place, NESTED, index), f"{name}.{nested.name}")
    for index, enum in enumerate(message.enum_type):
        yield from enum_parts(enum, comments, (*place, NESTED_ENUMS, index), f"{name}.{enum.name}")


def enum_parts(enum: EnumDescriptorProto, comments: Comments, place: Place, name: str) -> Iterator[str]:
    yield f"\n## {name}\n\n{comments.at(place, name=name)}\n\n| value | what it says |\n|---|---|\n"
    for index, value in enumerate(enum.value):
        says = cell(comments.at((*place, VALUES, index), name=f"{name}.{value.name}"))
        yield f"| {value.number} `{value.name}` | {says} |\n"


def field_type(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    kind = link(field.type_name) if field.type_name else SCALARS[field.type]
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {kind}"
    if field.proto3_optional:
        return f"optional {kind}"
    if field.HasField("oneof_index"):
        return f"one of `{message.oneof_decl[field.oneof_index].name}`: {kind}"
    return kind


def link(full_name: str) -> str:
    """The name of a message or enum of ours, as a link to where it is told."""
    name = full_name.removeprefix(".")
    target = places().get(name)
    short = name.split(".v1.")[-1]
    return f"[{short}]({target}#{anchor(short)})" if target else f"`{name}`"


def anchor(heading: str) -> str:
    return heading.lower().replace(".", "")


@functools.cache
def places() -> dict[str, str]:
    """File name of the page that tells of each message and enum."""
    found: dict[str, str] = {}
    for file in read_protos().file:
        names = [*(one.name for one in file.enum_type), *_messages(file.message_type)]
        found |= {f"{file.package}.{name}": file_name(file) for name in names}
    return found


def _messages(messages: Sequence[DescriptorProto], prefix: str = "") -> Iterator[str]:
    for message in messages:
        yield f"{prefix}{message.name}"
        yield from (f"{prefix}{message.name}.{enum.name}" for enum in message.enum_type)
        yield from _messages(message.nested_type, f"{prefix}{message.name}.")


def cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*-*.md"):
        old.unlink()
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
