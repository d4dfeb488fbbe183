"""How the mesh is, for anybody."""

import asyncio
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter

from services.common.errors import NotReady
from services.common.families import load_family
from services.gateway.gateway import Gateway, Parts
from services.gateway.schemas import StatusAnswer

router = APIRouter(tags=["status"])


@router.get("/status")
async def get_status(gateway: Parts) -> StatusAnswer:
    """The version, the model family, and which services serve."""
    serving, family = await asyncio.gather(gateway.peers.serving(), asyncio.to_thread(_family, gateway))
    services = {name: "serving" if serves else "down" for name, serves in serving.items()}
    return StatusAnswer.model_validate({"version": _version(), "family": family, "services": services})


def _version() -> str:
    try:
        return version("oh-my-assistant")
    except PackageNotFoundError:
        return "not installed"  # run from the source tree


def _family(gateway: Gateway) -> str | None:
    try:
        return load_family(gateway.family).name
    except NotReady:
        return None
