"""Connecting a connection by a person (OAuth 2): away to the other side, and back with what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from headrace.connections import connect, tokens
from headrace.connections import service as connections
from headrace.connections.models import Connection
from headrace.sdk.errors import AuthError, ConfigError, HeadraceError
from headrace.sdk.manifests import OAuthFlow
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import ENTRANCE, permission
from headrace_web.services import Services

COOKIE = "headrace_connect"
PATH = "/api/v1/connections/oauth"


class ConnectBegun(Struct, kw_only=True):
    """Where to go on: open `location`; of a device type `user_code` in there, and ask `check` every `every_s`."""

    location: str
    user_code: str = ""
    state: str = ""
    every_s: int = 0


class ConnectStatus(Struct, kw_only=True):
    """Whether a person has to connect it, whether somebody has, and why it does not work any more."""

    needed: bool = True
    connected: bool
    problem: str = ""
    connected_at: datetime | None = None
    expires_at: datetime | None = None


class CheckBody(ApiStruct):
    """The state that `start` gave."""

    state: Annotated[str, Meta(max_length=200)]


class ConnectionSignInController(Controller):
    """Connecting by a person."""

    path = "/connections"
    tags = ("connections",)

    @get("/{connection_id:uuid}/oauth", opt=permission("connection:query"))
    async def connect_status(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[ConnectStatus]:
        """How it stands."""
        async with ctx.transaction() as session:
            row = await connections.get(session, ctx.actor, connection_id)
            needed = await _needed(ctx.services, session, row)
            return ok(ConnectStatus(needed=needed, **await tokens.status(session, row)))

    @post("/{connection_id:uuid}/oauth/start", opt=permission("connection:update"), status_code=200)
    async def start_connect(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Response[Envelope[ConnectBegun]]:
        """Begin: the answer says where the browser goes."""
        async with ctx.transaction() as session:
            row = await connections.get(session, ctx.actor, connection_id)
            flow, config = await _flow(ctx.services, session, row)
            callback = f"{ctx.services.settings.link_base}{PATH}/callback"
            begun = await connect.begin(
                session, ctx.services.vault, row, flow, config, callback=callback, user_id=ctx.actor.user_id
            )
        device = bool(begun.user_code)
        told = ConnectBegun(
            location=begun.location, user_code=begun.user_code, state=begun.state if device else "",
            every_s=begun.every_s,
        )  # fmt: skip
        return Response(ok(told), cookies=[] if device else [_cookie(ctx.services, request, begun.browser)])

    @post("/{connection_id:uuid}/oauth/check", opt=permission("connection:update"), status_code=200)
    async def check_connect(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[CheckBody]
    ) -> Envelope[ConnectStatus]:
        """Whether the code of a device has been typed in; then it is connected."""
        async with ctx.transaction() as session:
            row = await connections.get(session, ctx.actor, connection_id)
            if connect.state_organization(data.state) != ctx.organization_id:
                raise connect.gone()
            kept = await connect.pending(session, ctx.services.vault, data.state, connection_id)
            granted = await connect.typed_in(*await _flow(ctx.services, session, row), kept)
            if granted is not None:
                await tokens.keep(session, ctx.services.vault, row, granted, user_id=kept.user_id)
                await connect.end(session, data.state)
            return ok(ConnectStatus(**await tokens.status(session, row)))

    @delete("/{connection_id:uuid}/oauth", opt=permission("connection:update"), status_code=200)
    async def disconnect(self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]) -> Envelope[ConnectStatus]:
        """Forget the tokens."""
        async with ctx.transaction() as session:
            await connections.forget_token(session, await connections.get(session, ctx.actor, connection_id))
        return ok(ConnectStatus(connected=False))

    @get("/oauth/callback", opt=ENTRANCE, security=[], status_code=303)
    async def finish_connect(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services]
    ) -> Response[None]:
        """Come back from the other side: good once, and only in the browser that was sent."""
        try:
            told = {"connected": str(await _return(services, request))}
        except HeadraceError as problem:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            told = {"refused": problem.code.lower()}
        away = Response(None, status_code=303, headers={"Location": f"/connections?{urlencode(told)}"})
        away.set_cookie(_cookie(services, request, "", 0))
        return away


async def _return(services: Services, request: Request[Any, Any, Any]) -> UUID:
    state, code, error = (request.query_params.get(name, "") for name in ("state", "code", "error"))
    organization_id = connect.state_organization(state)
    if organization_id is None:
        raise connect.gone()
    async with services.database.transaction(organization_id) as session:
        kept = await connect.redeem(session, services.vault, state, request.cookies.get(COOKIE, ""))
    if kept is None:
        raise connect.gone()
    if not code:
        said = error if error.isidentifier() and len(error) <= 60 else "no code"
        raise AuthError(f"the other side did not agree ({said}); connect again")
    async with services.database.transaction(organization_id) as session:
        row = await session.get_one(Connection, (organization_id, kept.connection_id))
        granted = await connect.exchanged(*await _flow(services, session, row), kept, code)
        await tokens.keep(session, services.vault, row, granted, user_id=kept.user_id)
    return kept.connection_id


async def _needed(services: Services, session: AsyncSession, row: Connection) -> bool:
    try:
        config = await services.vault.open(session, row)
        return tokens.settled(services.host.registry, row.connector, config) is not None
    except ConfigError:  # by a person, but not with these settings: `start` says why
        return True


async def _flow(services: Services, session: AsyncSession, row: Connection) -> tuple[OAuthFlow, dict[str, Any]]:
    found = tokens.settled(services.host.registry, row.connector, await services.vault.open(session, row))
    if found is None:
        raise ConfigError(f"'{row.name}' is not connected by a person; its settings are all it needs")
    return found


def _cookie(services: Services, request: Request[Any, Any, Any], value: str, age: int | None = None) -> Cookie:
    age = int(connect.LIFETIME.total_seconds()) if age is None else age
    secure = services.secure or request.url.scheme == "https"
    return Cookie(key=COOKIE, value=value, httponly=True, samesite="lax", secure=secure, path=PATH, max_age=age)
