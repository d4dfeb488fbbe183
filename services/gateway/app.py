"""The HTTP application, put together from its parts."""

from fastapi import APIRouter, FastAPI

from services.gateway import web
from services.gateway.edge import Edge
from services.gateway.errors import ANSWERS, add_error_handlers
from services.gateway.gateway import Gateway
from services.gateway.routes import (
    accounts,
    assets,
    backgrounds,
    departure,
    drawings,
    files,
    jobs,
    pictures,
    pose_files,
    poses,
    projects,
    recovery,
    results,
    sessions,
    status,
    style_files,
    styles,
    tokens,
    trash,
    webtoon,
)

MAX_BODY_BYTES = 1024 * 1024  # routes that take more say so

_ROUTES = (
    *(status, accounts, sessions, tokens, recovery, departure),
    *(
        projects,
        pictures,
        style_files,
        styles,
        backgrounds,
        poses,
        pose_files,
        jobs,
        results,
        drawings,
        assets,
        trash,
        webtoon,
        files,
    ),
)


def create_app(gateway: Gateway) -> Edge:
    """All that is served over HTTP."""
    return Edge(create_api(gateway))


def create_api(gateway: Gateway | None) -> FastAPI:
    """The routes and their errors. Without parts they describe themselves, and serve nothing."""
    app = FastAPI(
        title="Oh My Assistant",
        version="1.0",
        description="Learns a webtoon artist's drawing style and does the tedious drawing with it.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # their scripts come from another host, which our own policy refuses
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        max_body_size=MAX_BODY_BYTES,
        # Its own would send paths, in which links are keys, and the words of errors; edge.py does it without.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.gateway = gateway
    api = APIRouter(prefix="/api/v1", responses=ANSWERS)
    for module in _ROUTES:
        api.include_router(module.router)
    app.include_router(api)
    app.include_router(web.router)
    add_error_handlers(app)
    return app
