"""Signing in with another system: away and back, with a directory's password, or by what a proxy says."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.accounts import sign_in
from headrace.identities import attempts, entrance
from headrace.identities import service as identities
from headrace.identities.arrive import Refusal, Visit, arrive, link
from headrace.sdk.auth import AuthKind, Profile, SignInRefused
from headrace.sdk.config import Secret
from headrace.sdk.errors import Denied, HeadraceError, NotFound
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace_web.api.auth import Kind, Tokens, answer, kind_of, person, refused
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import ANYWHERE, ENTRANCE, OF_ACCOUNTS, PERSON
from headrace_web.limits import bounded, count_attempt, forget_attempts
from headrace_web.security.address import client_address, peer_address
from headrace_web.security.cookies import session_cookies
from headrace_web.services import Services

_LOG = logging.getLogger("headrace.sign_in")
COOKIE = "headrace_sign_in"
STARTS = 60
"""Sign-ins that one address may begin in five minutes."""
_INSIDE = re.compile(r"/(?![/\\])[^\x00-\x1f\\]*\Z")
_FIELD = Annotated[str, Meta(max_length=1_000)]


class DirectoryBody(ApiStruct):
    """Name and password as a directory knows them; `code` is of the second factor here."""

    username: _FIELD
    password: _FIELD
    code: str | None = None
    kind: Kind | UnsetType = UNSET


class Away(Struct, kw_only=True):
    """Where the browser goes on."""

    location: str


class SingleSignOnController(Controller):
    """Signing in with identity providers."""

    path = "/auth/providers/{provider_id:uuid}"
    opt = OF_ACCOUNTS
    tags = ("auth",)

    @get("/start", opt=ENTRANCE, security=[], status_code=303)
    async def start_sign_in(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], provider_id: FromPath[UUID],
        onward: Annotated[str, QueryParameter(name="next")] = "/",
    ) -> Response[None]:  # fmt: skip
        """Go to the provider with the browser; behind a proxy that signs in, come in at once."""
        try:
            await bounded(services, "this sign-in", f"start|{client_address(request)}", STARTS)
            chosen = await _chosen(services, provider_id)
            if chosen.entry.manifest.kind == "headers":
                return await _come_in(services, request, chosen, inside(onward))
            return await _away(services, request, chosen, inside(onward))
        except HeadraceError as error:
            return _back(request, error)

    @post("/link", opt=PERSON, status_code=200)
    async def link_identity(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], provider_id: FromPath[UUID]
    ) -> Response[Envelope[Away]]:
        """Go to the provider to show that an identity there is one's own; then one may sign in by it."""
        chosen = await _chosen(ctx.services, provider_id)
        if chosen.row.organization_id != ctx.organization_id:
            raise NotFound("there is no such way to sign in", resource="identity_provider")
        sent = await _away(ctx.services, request, chosen, "/", user_id=person(ctx))
        return Response(ok(Away(location=sent.headers["Location"])), cookies=sent.cookies)

    @get("/callback", opt=ENTRANCE, security=[], status_code=303)
    async def finish_sign_in(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], provider_id: FromPath[UUID]
    ) -> Response[None]:
        """Come back from the provider: good once, and only in the browser that was sent."""
        try:
            return await _return(services, request, await _chosen(services, provider_id))
        except HeadraceError as error:
            return _back(request, error)

    @post("/callback", opt=ANYWHERE, security=[], status_code=303)
    async def take_answer(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], provider_id: FromPath[UUID]
    ) -> Response[None]:
        """What a provider has the browser post (SAML): kept, until the browser asks by itself, with its cookie."""
        try:
            await bounded(services, "this sign-in", f"start|{client_address(request)}", STARTS)
            form = await request.form()
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            state = fields.pop("RelayState", "") or fields.pop("state", "")
            async with services.database.transaction() as session:
                ring = services.signer.ring
                chosen = await entrance.choose(session, ring, services.host.registry, provider_id)
                await attempts.keep_answer(session, ring, chosen.row, state, fields)
            return _redirect(f"{_path(chosen)}/callback?state={state}")
        except HeadraceError as error:
            return _back(request, error)

    @post("/login", opt=ENTRANCE, status_code=200, security=[])
    async def directory_login(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], provider_id: FromPath[UUID],
        data: JSONBody[DirectoryBody],
    ) -> Response[Envelope[Tokens]]:  # fmt: skip
        """Sign in with the name and the password of a directory."""
        address, account = client_address(request), f"{provider_id}|{data.username}"
        await count_attempt(services, account=account, address=address)
        chosen = await _chosen(services, provider_id)
        _check_kind(chosen, "form")
        profile = await _asked(services, chosen, lambda one: one.sign_in(data.username, Secret(data.password)))
        visit = _visit(request, kind_of(request, data.kind), code=data.code, asks_factor=True)
        signed_in = await _arrive(services, chosen, profile, visit)
        await forget_attempts(services, account=account, address=address)
        return answer(services, signed_in, secure=request.url.scheme == "https")

    @get("/metadata", opt=ENTRANCE, security=[], media_type="application/xml")
    async def provider_metadata(
        self, services: NamedDependency[Services], provider_id: FromPath[UUID]
    ) -> Response[bytes]:
        """What the provider wants to know of us (SAML)."""
        chosen = await _chosen(services, provider_id)
        callback = callback_of(services, provider_id)
        content = await chosen.ask(lambda one: one.metadata(callback=callback))
        return Response(content, media_type="application/xml")


def callback_of(services: Services, provider_id: UUID) -> str:
    """The address that a provider sends browsers back to."""
    return f"{services.settings.link_base}/api/v1/auth/providers/{provider_id}/callback"


def inside(place: str) -> str:
    """A place of ours to go on to; anything else is the first page."""
    return place if _INSIDE.match(place) else "/"


async def _chosen(services: Services, provider_id: UUID) -> entrance.Chosen:
    async with services.database.transaction() as session:
        return await entrance.choose(session, services.signer.ring, services.host.registry, provider_id)


async def _away(
    services: Services, request: Request[Any, Any, Any], chosen: entrance.Chosen, next_: str, *,
    user_id: UUID | None = None,
) -> Response[None]:  # fmt: skip
    """Send the browser to the provider, with a cookie that it has to bring back."""
    _check_kind(chosen, "redirect")
    way, callback = attempts.Way.new(), callback_of(services, chosen.row.id)
    begun = await _asked(services, chosen, lambda one: one.begin(state=way.state, callback=callback))
    async with services.database.transaction(chosen.row.organization_id, here=True) as session:
        await attempts.remember(
            session, services.signer.ring, chosen.row, way, begun.memory, next_=next_, user_id=user_id
        )
    sent = _redirect(begun.url)
    age = int(attempts.LIFETIME.total_seconds())
    sent.set_cookie(_cookie(services, request, chosen, way.browser, age))
    return sent


async def _return(services: Services, request: Request[Any, Any, Any], chosen: entrance.Chosen) -> Response[None]:
    _check_kind(chosen, "redirect")
    query = dict(request.query_params.items())
    state, browser = query.pop("state", ""), request.cookies.get(COOKIE, "")
    async with services.database.transaction(chosen.row.organization_id, here=True) as session:
        kept = await attempts.redeem(session, services.signer.ring, chosen.row, state=state, browser=browser)
    if kept is None:
        raise await _noted(services, chosen, attempts.gone())
    callback, fields = callback_of(services, chosen.row.id), kept.fields or query
    profile = await _asked(services, chosen, lambda one: one.finish(fields, memory=kept.memory, callback=callback))
    if kept.user_id is not None:
        async with services.database.transaction(
            chosen.row.organization_id, user_id=kept.user_id, here=True
        ) as session:
            refusal = await link(session, chosen.row, profile, kept.user_id)
        if refusal is not None:
            raise await _noted(services, chosen, SignInRefused(refusal.message, detail=refusal.detail))
        return _redirect(kept.next)
    signed_in = await _arrive(services, chosen, profile, _visit(request, "browser"))
    return _let_in(services, request, chosen, signed_in, kept.next)


async def _come_in(
    services: Services, request: Request[Any, Any, Any], chosen: entrance.Chosen, next_: str
) -> Response[None]:
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        headers[name.lower()] = f"{headers[name.lower()]}\n{value}" if name.lower() in headers else value
    peer = peer_address(request)
    profile = await _asked(services, chosen, lambda one: one.identify(headers, peer=peer))
    signed_in = await _arrive(services, chosen, profile, _visit(request, "browser"))
    return _let_in(services, request, chosen, signed_in, next_)


async def _asked(services: Services, chosen: entrance.Chosen, work: Any) -> Any:
    try:
        return await chosen.ask(work)
    except SignInRefused as error:
        raise await _noted(services, chosen, error) from None


async def _arrive(services: Services, chosen: entrance.Chosen, profile: Profile, visit: Visit) -> sign_in.SignedIn:
    async with services.database.transaction(chosen.row.organization_id, here=True) as session:
        outcome = await arrive(session, services.signer, chosen.row, profile, visit)
    if isinstance(outcome, sign_in.SignedIn):
        return outcome
    if isinstance(outcome, Refusal):
        raise await _noted(services, chosen, SignInRefused(outcome.message, detail=outcome.detail))
    raise refused(outcome)


async def _noted(services: Services, chosen: entrance.Chosen, error: SignInRefused) -> SignInRefused:
    """The same refusal; its reason is kept for those who have set the provider up."""
    _LOG.warning("sign-in by %s refused: %s", chosen.row.id, error.detail)
    async with services.database.transaction(chosen.row.organization_id, here=True) as session:
        await identities.note_refusal(session, chosen.row, error.detail or error.message)
    return error


def _let_in(
    services: Services, request: Request[Any, Any, Any], chosen: entrance.Chosen, signed_in: sign_in.SignedIn,
    next_: str,
) -> Response[None]:  # fmt: skip
    made = _redirect(next_)
    for cookie in session_cookies(services, signed_in, secure=request.url.scheme == "https"):
        made.set_cookie(cookie)
    made.set_cookie(_cookie(services, request, chosen, "", 0))
    return made


def _cookie(
    services: Services, request: Request[Any, Any, Any], chosen: entrance.Chosen, value: str, age: int
) -> Cookie:
    secure = services.secure or request.url.scheme == "https"
    return Cookie(
        key=COOKIE, value=value, httponly=True, samesite="lax", secure=secure, path=_path(chosen), max_age=age
    )


def _path(chosen: entrance.Chosen) -> str:
    return f"/api/v1/auth/providers/{chosen.row.id}"


def _redirect(location: str) -> Response[None]:
    return Response(None, status_code=303, headers={"Location": location})


def _back(request: Request[Any, Any, Any], error: HeadraceError) -> Response[None]:
    """A browser goes to the form, which has a sentence for each code; programs get the error."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    return _redirect(f"/login?refused={error.code.lower()}")


def _check_kind(chosen: entrance.Chosen, kind: Literal["form", "redirect"]) -> None:
    known: AuthKind = chosen.entry.manifest.kind
    if known != kind:
        raise Denied("one does not sign in with this provider in this way")


def _visit(request: Request[Any, Any, Any], kind: Kind, *, code: str | None = None, asks_factor: bool = False) -> Visit:
    return Visit(
        kind=kind, ip_address=client_address(request), user_agent=request.headers.get("user-agent", ""), code=code,
        asks_factor=asks_factor,
    )  # fmt: skip
