"""Files of one account in the artifact store: uploaded pictures made clean, copies, and removal."""

from dataclasses import dataclass

from services.common.artifacts import ArtifactRef, ArtifactStore
from services.common.pictures import MAX_UPLOAD_BYTES, decode, encode_jpeg, encode_png

PREFIX = "gateway"
_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A clean picture in the store."""

    ref: ArtifactRef
    width: int
    height: int


def store_picture(store: ArtifactStore, account_id: str, picture_id: str, content: bytes) -> StoredPicture:
    """Decode an upload and store its pixels as PNG, or as JPEG where a PNG would be more than the services take.

    Raises:
        InvalidInput: not a picture that `pictures.decode` takes.
    """
    image_HWC = decode(content)
    clean, media_type, ending = encode_png(image_HWC), "image/png", "png"
    if len(clean) > MAX_UPLOAD_BYTES:
        clean, media_type, ending = encode_jpeg(image_HWC, quality=_JPEG_QUALITY), "image/jpeg", "jpg"
    height, width = image_HWC.shape[:2]
    ref = store.put(f"{account_id}/{PREFIX}/pictures/{picture_id}.{ending}", clean, media_type)
    return StoredPicture(ref=ref, width=width, height=height)


def style_key(account_id: str, style_id: str, name: str) -> str:
    return f"{account_id}/{PREFIX}/styles/{style_id}/{name}.safetensors"


def skeleton_key(account_id: str, pose_id: str, revision: str) -> str:
    return f"{account_id}/{PREFIX}/poses/{pose_id}-{revision}.png"


def results_prefix(account_id: str, job_id: str) -> str:
    return f"{account_id}/{PREFIX}/results/{job_id}/"


def out_prefix(account_id: str, job_id: str) -> str:
    """Where services leave what they drew for a job; ours to empty, because the request was ours."""
    return f"{account_id}/out/{job_id}/"


def previews_prefix(account_id: str, job_id: str) -> str:
    return f"{account_id}/{PREFIX}/previews/{job_id}/"


def asset_prefix(account_id: str, asset_id: str) -> str:
    return f"{account_id}/{PREFIX}/assets/{asset_id}/"


def delete_keys(store: ArtifactStore, keys: list[str]) -> None:
    for key in keys:
        store.delete(key)
