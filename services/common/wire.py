"""Between the messages of oma.image.v1 and our own records; used by every service's convert.py."""

from oma.image.v1 import image_pb2

from services.common.artifacts import ArtifactRef, ArtifactStore, get_checked
from services.common.errors import InvalidInput
from services.common.pictures import MAX_INLINE_BYTES, MAX_UPLOAD_BYTES, MEDIA_TYPES, Pixels, decode


def picture_bytes(picture: image_pb2.Picture, store: ArtifactStore, *, owner: str) -> bytes:
    """The encoded picture, from the message or from the owner's part of the store.

    Raises:
        InvalidInput: nothing given, too large to be inline or to be a picture at all, or of an unknown type.
        NotFound: no such artifact of this owner.
    """
    match picture.WhichOneof("source"):
        case "inline":
            if picture.inline.media_type not in MEDIA_TYPES:
                raise InvalidInput(
                    f"media_type {picture.inline.media_type!r}: send image/png, image/jpeg or image/webp",
                    reason="MEDIA_TYPE",
                )
            if len(picture.inline.content) > MAX_INLINE_BYTES:
                raise InvalidInput("larger than 4 MiB: store it and send its reference", reason="INLINE_TOO_LARGE")
            return picture.inline.content
        case "artifact":
            key, sha256 = picture.artifact.key, picture.artifact.sha256
            return get_checked(store, key, sha256, owner=owner, max_bytes=MAX_UPLOAD_BYTES)
        case _:
            raise InvalidInput("a picture is required", reason="PICTURE_REQUIRED")


def picture_pixels(picture: image_pb2.Picture, store: ArtifactStore, *, owner: str) -> Pixels:
    """The picture as RGB pixels; errors as `picture_bytes` and `pictures.decode`."""
    return decode(picture_bytes(picture, store, owner=owner))


def to_artifact(ref: ArtifactRef) -> image_pb2.Artifact:
    return image_pb2.Artifact(key=ref.key, sha256=ref.sha256, size_bytes=ref.size_bytes, media_type=ref.media_type)


def from_artifact(message: image_pb2.Artifact) -> ArtifactRef:
    return ArtifactRef(
        key=message.key, sha256=message.sha256, size_bytes=message.size_bytes, media_type=message.media_type
    )
