"""The one route of the protocol, below `/api/v1/scim/v2/{provider_id}`. What is below describes itself (`/Schemas`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.sdk import HeadraceError, lazy
from headrace_web.sdk import OF_ACCOUNTS, Context, hookimpl, permission
from litestar import Controller, HttpMethod, Request, Response, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath

_MEDIA = "application/scim+json"
_ANSWER = lazy("headrace_plugin_scim.protocol:answer")
"""The protocol's models take a while to import: at the first call, not at the start."""


def refused(_: Request[Any, Any, Any], error: HeadraceError | HTTPException) -> Response[dict[str, Any]]:
    """Errors of the door in the protocol's shape."""
    if isinstance(error, HeadraceError):
        status, detail, details = error.status, error.message, error.details
    else:
        status, detail, details = error.status_code, error.detail, {}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if "retry_after_s" in details:
        headers["Retry-After"] = str(details["retry_after_s"])
    return Response(body, status_code=status, media_type=_MEDIA, headers=headers)


class ScimController(Controller):
    """SCIM 2.0."""

    path = "/scim/v2/{provider_id:uuid}"
    opt = OF_ACCOUNTS
    tags = ("scim",)
    include_in_schema = False
    exception_handlers = {HeadraceError: refused, HTTPException: refused}

    @route(
        "/{place:path}", status_code=200, opt=permission("organization:manage_members"),
        http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE],
    )  # fmt: skip
    async def call(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], provider_id: FromPath[UUID],
        place: FromPath[Path],
    ) -> Response[Any]:  # fmt: skip
        """Whatever the directory asks."""
        body = await request.body()
        made = await _ANSWER.load()(ctx, request, provider_id, str(place), body)
        return Response(made.body, status_code=int(made.status), media_type=_MEDIA, headers=made.headers)


@hookimpl
def headrace_web_routes() -> list[type[Controller]]:
    """The protocol."""
    return [ScimController]
