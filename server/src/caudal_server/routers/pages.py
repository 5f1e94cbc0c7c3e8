"""The documentation page, from files that are installed with the server."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response

from caudal_server import state
from caudal_server.refused import Refused

PACKAGE = "fastapi_swagger"
FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
KEPT = "public, max-age=86400"


def routes() -> APIRouter:
    """`/docs`, which asks nothing of the internet."""
    router = APIRouter(include_in_schema=False)
    router.get("/docs")(get_docs)
    router.get("/docs/{name}")(get_file)
    return router


async def get_docs(request: Request) -> Response:
    """The page over `/openapi.json`."""
    script, style, icon = (f"/docs/{name}" for name in FILES)
    return get_swagger_ui_html(
        openapi_url=request.app.openapi_url,
        title=f"{request.app.title}: API",
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url=icon,
        swagger_ui_parameters={"tryItOutEnabled": True, "docExpansion": "list"},
    )


async def get_file(request: Request) -> Response:
    """What the page needs."""
    name = request.path_params["name"]
    kind = FILES.get(name)
    if kind is None:
        raise Refused(404, "NOT_FOUND", f"there is nothing at {request.url.path}")
    file = files(PACKAGE) / "resources" / name
    body = await state.engine(request).read(file.read_bytes)
    return Response(body, media_type=kind, headers={"Cache-Control": KEPT})
