"""The application: handlers found by `discover`, one guard, one envelope, headers on every answer."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from headrace.entitlements.licence import given
from headrace.entitlements.parts import collect
from headrace.entitlements.service import use_host
from headrace.infra.notify import listen
from headrace.infra.settings import Settings
from headrace.plugins.follow import Follower
from headrace.plugins.manager import Host
from litestar import Litestar, Request, Response
from litestar.config.cors import CORSConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from headrace_web.alias_bodies import Translated
from headrace_web.aliases import rewritten
from headrace_web.anycase import AnyCaseRequest, fold_query
from headrace_web.counting import add_rate
from headrace_web.deps import DEPENDENCIES
from headrace_web.discover import route_handlers
from headrace_web.guards import authorise, unguarded
from headrace_web.idempotency import Idempotency, begin
from headrace_web.openapi import openapi_config
from headrace_web.problems import HANDLERS
from headrace_web.realtime.hub import PEOPLE
from headrace_web.security.browser import SAFE
from headrace_web.security.headers import add_headers
from headrace_web.services import Services, open_services

BODY_MAX_BYTES = 17 * 2**20
"""A canvas of 16 MiB and what is around it."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class App(Litestar):
    """Gives each request its id, nonce and canonical address before anything else sees it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] in {"http", "websocket"}:
            given = next((value for name, value in scope["headers"] if name == b"x-correlation-id"), b"").decode(
                "latin-1"
            )
            scope["state"] = {
                **scope.get("state", {}),
                "request_id": given if _REQUEST_ID.match(given) else secrets.token_hex(16),
                "csp_nonce": secrets.token_urlsafe(16),
                "started": time.perf_counter(),
            }
            path, query = rewritten(scope["path"], scope.get("query_string", b""))
            if path != scope["path"]:
                if scope["type"] == "http":
                    by = Translated(scope["path"], path, receive, send, most_bytes=BODY_MAX_BYTES)
                    receive, send = by.receive, by.send
                scope["path"], scope["raw_path"], scope["query_string"] = path, quote(path).encode(), query
        await super().__call__(scope, receive, send)


def create_app(settings: Settings, host: Host, *, more: list[Any] | None = None) -> Litestar:
    """Build the application.

    Args:
        settings: Of this process.
        host: The loaded plugins.
        more: Further handlers, for tests.

    Raises:
        RuntimeError: a handler declares neither a permission nor that it is public.
    """
    use_host(host, licence=given(settings.license.reveal(), settings.home))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_services(settings, host) as services:
            app.state.services = services
            url = settings.database_url.reveal()
            follower = Follower(services.database, url, host, heard=services.hub.tell)
            await follower.look()
            hearing = [
                asyncio.create_task(follower.serve()),
                asyncio.create_task(listen(url, (PEOPLE,), services.hub.tell_person)),
            ]
            try:
                yield
            finally:
                for task in hearing:
                    task.cancel()
                await asyncio.gather(*hearing, return_exceptions=True)

    origins = list(settings.cors_origins)
    cors = CORSConfig(
        allow_origins=origins, allow_credentials=True, allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "if-match", "idempotency-key", "x-csrf-token"],
        expose_headers=["x-correlation-id", "etag", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining",
                        "x-ratelimit-reset", "x-quota-warning"],
    )  # fmt: skip
    app = App(
        route_handlers=[*route_handlers(host), *(more or [])],
        lifespan=[lifespan],
        guards=[authorise],
        dependencies=DEPENDENCIES,
        exception_handlers=HANDLERS,
        before_send=[_before_send],
        before_request=_before_request,
        request_class=AnyCaseRequest,
        middleware=[Idempotency()],
        openapi_config=openapi_config(),
        cors_config=cors if origins else None,
        request_max_body_size=BODY_MAX_BYTES,
        logging_config=None,
        debug=False,
    )
    missing = unguarded(app)
    if missing:
        raise RuntimeError(
            f"these handlers declare no permission: {'; '.join(missing)}; add opt=permission(...) or opt=PUBLIC"
        )
    return app


async def _before_request(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    request.scope["state"]["warnings"] = collect()
    fold_query(request)
    return await begin(request)


async def _before_send(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    services: Services = scope["litestar_app"].state.services
    if scope.get("method") not in SAFE and (actor := scope["state"].get("actor")) is not None:
        await services.replicas.changed(actor.organization_id)
    https = services.secure or scope.get("scheme") == "https"
    add_headers(message, scope, https=https)
    await add_rate(message, scope, services)
    if warnings := scope["state"].get("warnings"):
        MutableScopeHeaders.from_message(message)["X-Quota-Warning"] = "; ".join(warnings)
    took = time.perf_counter() - scope["state"]["started"]
    services.metrics.request(
        str(scope.get("method")), scope.get("path_template", "") or "other", message["status"], took
    )
