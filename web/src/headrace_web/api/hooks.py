"""Where webhooks are called: /hooks/<key> and /hooks/<organization>/<own path>."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from headrace.accounts.permissions import system_actor
from headrace.executions import service as executions
from headrace.executions.state import TERMINAL
from headrace.sdk.errors import NotFound
from headrace.triggers import answers, calls, hooks
from litestar import Controller, Request, Response, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from headrace_web.deps import Context
from headrace_web.envelope import ok
from headrace_web.frames import stored_preview
from headrace_web.guards import PUBLIC, limited
from headrace_web.security.address import client_address
from headrace_web.services import Services

ROWS_MAX = 1_000
_KEPT_HEADERS = frozenset({"content-type", "content-language", "cache-control", "location", "retry-after", "etag"})
_SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


class Called(msgspec.Struct, kw_only=True):
    """What a caller is told once its call is stored."""

    execution_id: UUID
    status: str = "accepted"


class HooksController(Controller):
    """Webhooks, called from outside. Each judges its callers itself."""

    path = "/hooks"
    tags = ("hooks",)
    opt = {**PUBLIC, **limited("webhook")}
    request_max_body_size = calls.BODY_MAX

    @post("/{place:path}", status_code=202)
    async def call(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path]
    ) -> Response[Any]:
        """Start the flow of a webhook; 202 says that the execution is stored, unless the webhook answers with more."""
        return await _answer(request, services, place)

    @route(
        "/{place:path}", http_method=[HttpMethod.GET, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE],
        include_in_schema=False, status_code=202,
    )  # fmt: skip
    async def call_otherwise(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path]
    ) -> Response[Any]:
        """The same for webhooks that take another method."""
        return await _answer(request, services, place)


async def _answer(request: Request[Any, Any, Any], services: Services, place: Path) -> Response[Any]:
    call = calls.Call(
        place=str(place).strip("/"), method=request.method, query=request.scope["query_string"].decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()}, body=await request.body(),
        remote=client_address(request),
    )  # fmt: skip
    accepted = await hooks.accept(services.database, services.flows, services.vault, services.store, call)
    if accepted.response == "immediate":
        return Response(ok(Called(execution_id=accepted.execution_id)), status_code=202)
    state = await answers.wait(
        services.database, services.bus, accepted.organization_id, accepted.execution_id, timeout_s=accepted.wait_s,
        respond=accepted.response == "respond_node",
    )  # fmt: skip
    if state["response"] is not None and accepted.response == "respond_node":
        return responded(state["response"])
    if state["status"] not in TERMINAL:
        return Response(ok(Called(execution_id=accepted.execution_id, status=state["status"])), status_code=202)
    if state["status"] != "completed":
        told = {"execution_id": accepted.execution_id, "status": state["status"]}
        error = {"code": "EXECUTION_FAILED", "message": "the flow did not complete", "details": told}
        return Response({"success": False, "error": error}, status_code=502)
    if accepted.response == "respond_node":
        return Response(ok(Called(execution_id=accepted.execution_id, status="completed")), status_code=200)
    told = {"execution_id": accepted.execution_id, "status": "completed"}
    found = await last_rows(services, accepted.organization_id, *state["last"])
    return Response(ok({**told, **found}), status_code=200)


def responded(response: dict[str, Any]) -> Response[bytes]:
    """What the flow answers: its status and body, and of its headers those that cannot act on our own pages."""
    given = {str(name).lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    headers = {name: value for name, value in given.items() if name in _KEPT_HEADERS or name.startswith("x-")}
    body = response.get("body", "")
    content = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    kind = headers.pop("content-type", "text/plain; charset=utf-8" if isinstance(body, str) else "application/json")
    status = int(response.get("status", 200))
    return Response(
        content.encode(), status_code=status if 200 <= status <= 599 else 200, media_type=kind,
        headers={**headers, **_SANDBOX},
    )  # fmt: skip


async def last_rows(
    services: Services, organization_id: UUID, found: executions.NodeOutput | None, port: str
) -> dict[str, Any]:
    """`rows` of the last step (`answers.last`) as objects, 1,000 at most, and `total_rows`."""
    ctx = Context(services, system_actor(organization_id))
    try:
        page = await stored_preview(ctx, found, port or "out", limit=ROWS_MAX, offset=0)
    except NotFound:
        return {"rows": [], "total_rows": 0}
    columns = [column["name"] for column in page["schema"]]
    rows = [dict(zip(columns, row, strict=True)) for row in page["rows"]]
    return {"rows": rows, "total_rows": page["total_rows"]}


unversioned = [HooksController]
