"""Deny by default: each handler declares what it needs, in `opt`; one guard asks for it before anything is parsed.

Whose role has not got the permission may have it by grants: on every object that the address names. What has no object
in its address is for roles only, but for handlers that are `scoped`: they ask for themselves. It counts as well:
strangers by their address, in the class of the handler, others by user or key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.access import resolve
from headrace.accounts.permissions import EVERY, Actor
from headrace.sdk.errors import Denied, NotFound, Unauthenticated
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from headrace_web.counting import RATE, admit_actor, admit_address, refuse_again
from headrace_web.idempotency import ACCOUNTS
from headrace_web.security.browser import check_browser, check_origin
from headrace_web.security.identity import authenticate, shown
from headrace_web.services import Services

ACCESS, SCOPED, PLUGIN = "access", "scoped", "plugin"
_PUBLIC, _SIGNED_IN, _PERSON, _TICKET = "public", "signed_in", "person", "ticket"

PUBLIC: dict[str, Any] = {ACCESS: _PUBLIC}
"""Anybody."""
ENTRANCE: dict[str, Any] = {ACCESS: _PUBLIC, RATE: "sign_in"}
"""Anybody, on the way in."""
ANYWHERE: dict[str, Any] = {**ENTRANCE, "any_origin": True}
"""Anybody, from pages of any origin: it keeps what was posted, and does nothing with it."""
SIGNED_IN: dict[str, Any] = {ACCESS: _SIGNED_IN}
"""Whoever is signed in, whatever the role."""
PERSON: dict[str, Any] = {ACCESS: _PERSON}
"""Whoever has signed in themselves: an API key never changes an account."""
TICKET: dict[str, Any] = {ACCESS: _TICKET}
"""A WebSocket that redeems a ticket itself before it accepts."""


OF_ACCOUNTS: dict[str, Any] = {ACCOUNTS: True}
"""Of a controller about accounts, plans or the installation: its transactions are in the shared database, wherever the
organization's work lives."""


def limited(kind: str) -> dict[str, Any]:
    """For `opt` of a public handler: its requests are counted in a class of their own, not as those of strangers."""
    return {RATE: kind}


def permission(name: str) -> dict[str, Any]:
    """Whose role includes this.

    Raises:
        ValueError: no role has such a permission.
    """
    if name not in EVERY:
        raise ValueError(f"there is no permission {name!r}")
    return {ACCESS: name}


def scoped(name: str) -> dict[str, Any]:
    """Whose role includes this, or whom a grant may give it: the handler lists, or changes, only what they reach."""
    return {**permission(name), SCOPED: True}


async def authorise(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let in whom the handler names; the actor is then in `connection.state.actor`."""
    access = handler.opt.get(ACCESS)
    if access == _TICKET or _is_options(handler):
        return
    if access is None:
        raise Denied("this address is not open to anybody")
    services: Services = connection.app.state.services
    plugin = handler.opt.get(PLUGIN)
    if plugin is not None and plugin not in services.host.distributions:
        raise NotFound(f"this address is of {plugin}, which is switched off here; a platform admin can switch it on")
    if access == _PUBLIC:
        await admit_address(services, connection, handler.opt.get(RATE, "anonymous"))
        if not handler.opt.get("any_origin"):
            check_origin(services, connection)
        return
    caller = refuse_again(services, connection, shown(connection))
    try:
        actor, by_cookie = await authenticate(services, connection)
    except Unauthenticated:
        await admit_address(services, connection, "anonymous", caller)
        raise
    await admit_actor(services, connection, actor, caller)
    if by_cookie:
        check_browser(services, connection, actor)
    connection.state.actor = actor
    if access == _PERSON:
        if actor.session_id is None:
            raise Denied("an API key may not do this; sign in")
    elif access != _SIGNED_IN and not actor.may(access):
        await _by_grants(services, connection, actor, access, scoped=SCOPED in handler.opt)


async def _by_grants(
    services: Services, connection: ASGIConnection[Any, Any, Any, Any], actor: Actor, access: str, *, scoped: bool
) -> None:
    """Let in whom grants give the permission on each object of the address.

    Raises:
        Denied, NotFound: otherwise.
    """
    given = connection.path_params
    named = [(kind, given[name]) for name, kind in resolve.PATHS.items() if name in given]
    if not resolve.grantable(actor, access) or not (named or scoped):
        actor.require(access)
    async with services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
        if scoped:
            await resolve.require_anywhere(session, actor, access)
            return
        for kind, object_id in named:
            await resolve.reach(session, actor, access, kind, object_id)


async def of_mine(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Go on only at the address of the organization that the actor works in.

    Raises:
        NotFound: it is another one's.
    """
    if _is_options(handler):
        return
    if connection.path_params["organization_id"] != connection.state.actor.organization_id:
        raise NotFound("there is no such organization, or you work in another one", resource="organization")


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
    return access in {_PUBLIC, _SIGNED_IN, _PERSON, _TICKET} or access in EVERY


def _is_options(handler: BaseRouteHandler) -> bool:
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}
