"""Deny by default: each handler declares what it needs, in `opt`; one guard asks for it before anything is parsed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.accounts.permissions import EVERY
from headrace.sdk.errors import Denied
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from headrace_web.security.browser import check_browser, check_origin
from headrace_web.security.identity import authenticate
from headrace_web.services import Services

ACCESS = "access"
_PUBLIC, _SIGNED_IN, _TICKET = "public", "signed_in", "ticket"

PUBLIC: dict[str, Any] = {ACCESS: _PUBLIC}
"""Anybody."""
SIGNED_IN: dict[str, Any] = {ACCESS: _SIGNED_IN}
"""Whoever is signed in, whatever the role."""
TICKET: dict[str, Any] = {ACCESS: _TICKET}
"""A WebSocket that redeems a ticket itself before it accepts."""


def permission(name: str) -> dict[str, Any]:
    """Whose role includes this.

    Raises:
        ValueError: no role has such a permission.
    """
    if name not in EVERY:
        raise ValueError(f"there is no permission {name!r}")
    return {ACCESS: name}


async def authorise(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let in whom the handler names; the actor is then in `connection.state.actor`."""
    access = handler.opt.get(ACCESS)
    if access == _TICKET or _is_options(handler):
        return
    if access is None:
        raise Denied("this address is not open to anybody")
    services: Services = connection.app.state.services
    if access == _PUBLIC:
        check_origin(services, connection)
        return
    actor, by_cookie = await authenticate(services, connection)
    if by_cookie:
        check_browser(services, connection, actor)
    connection.state.actor = actor
    if access != _SIGNED_IN:
        actor.require(access)


def unguarded(app: Litestar) -> list[str]:
    """Addresses whose handler declares nothing; there must be none."""
    open_ones = (one for one in handlers(app) if not _is_options(one[1]) and not _declared(one[1]))
    return sorted(f"{handler.handler_name} {path}" for path, handler in open_ones)


def handlers(app: Litestar) -> Iterable[tuple[str, BaseRouteHandler]]:
    """Every handler with its path."""
    for route in app.routes:
        several = getattr(route, "route_handlers", None) or [getattr(route, "route_handler")]  # noqa: B009
        for handler in several:
            yield route.path, handler


def _declared(handler: BaseRouteHandler) -> bool:
    access = handler.opt.get(ACCESS)
    return access in {_PUBLIC, _SIGNED_IN, _TICKET} or access in EVERY


def _is_options(handler: BaseRouteHandler) -> bool:
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}
