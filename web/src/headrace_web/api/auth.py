"""Sign in, refresh, sign out, who am I, and the first account."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from headrace.accounts import service as accounts
from headrace.accounts import setup, sign_in
from headrace.accounts.permissions import EVERY
from headrace.entitlements import service as entitlements
from headrace.sdk.errors import Unauthenticated
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok, shown
from headrace_web.guards import PUBLIC, SIGNED_IN
from headrace_web.limits import count_attempt, forget_attempts
from headrace_web.security.cookies import ended_cookies, session_cookies
from headrace_web.services import Services

Kind = Literal["browser", "program"]


class LoginBody(ApiStruct):
    """Who signs in. `kind` browser sets a cookie; program answers tokens; absent, the request's headers tell."""

    email: str
    password: str
    kind: Kind | UnsetType = UNSET
    organization_id: UUID | None = None


class RefreshBody(ApiStruct):
    """A refresh token."""

    refresh_token: str


class SetupBody(ApiStruct):
    """The first account; `token` is printed at the first start."""

    token: str
    email: str
    password: str
    full_name: str
    organization_name: str = ""


class Tokens(Struct, kw_only=True):
    """What a program gets; a browser gets its session as a cookie, and the CSRF token."""

    token_type: Literal["bearer", "cookie"]
    expires_in: int
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    csrf_token: str | UnsetType = UNSET


class UserOut(Struct, kw_only=True):
    """A user."""

    id: UUID
    email: str
    full_name: str
    is_platform_admin: bool


class OrganizationOut(Struct, kw_only=True):
    """An organization."""

    id: UUID
    name: str
    slug: str


class Me(Struct, kw_only=True):
    """Who is signed in, where, with which rights."""

    user: UserOut
    organization: OrganizationOut
    role: str
    permissions: list[str]
    features: dict[str, bool]
    csrf_token: str


class AuthController(Controller):
    """Signing in and out."""

    path = "/auth"
    tags = ("auth",)

    @post("/login", opt=PUBLIC, status_code=200, security=[])
    async def login(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[LoginBody]
    ) -> Response[Envelope[Tokens]]:
        """Sign in with e-mail address and password."""
        return answer(services, await sign_in_with(services, request, data), secure=request.url.scheme == "https")

    @post("/refresh", opt=PUBLIC, status_code=200, security=[])
    async def refresh(
        self, services: NamedDependency[Services], data: JSONBody[RefreshBody]
    ) -> Response[Envelope[Tokens]]:
        """Exchange a refresh token for a new pair; it is good for one exchange."""
        async with services.database.transaction() as session:
            signed_in = await sign_in.refresh(session, services.signer, data.refresh_token)
        if signed_in is None:
            raise Unauthenticated("the refresh token is not valid any more; sign in again")
        return answer(services, signed_in, secure=False)

    @post("/logout", opt=SIGNED_IN, status_code=200)
    async def logout(self, ctx: NamedDependency[Context]) -> Response[Envelope[dict[str, bool]]]:
        """End this sign-in."""
        async with ctx.transaction() as session:
            await sign_in.logout(session, ctx.actor)
        return Response(ok({"signed_out": True}), cookies=ended_cookies(ctx.services))

    @get("/me", opt=SIGNED_IN)
    async def me(self, ctx: NamedDependency[Context]) -> Envelope[Me]:
        """Who is signed in, and what they may do."""
        return ok(await who(ctx))


class SetupController(Controller):
    """The first account of an installation."""

    path = "/setup"
    tags = ("auth",)

    @get("/", opt=PUBLIC, security=[])
    async def setup_state(self, services: NamedDependency[Services]) -> Envelope[dict[str, bool]]:
        """Whether there is no account yet."""
        async with services.database.transaction() as session:
            return ok({"needs_setup": await setup.needs_setup(session)})

    @post("/", opt=PUBLIC, security=[])
    async def complete_setup(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[SetupBody]
    ) -> Response[Envelope[Tokens]]:
        """Make the first account and sign it in."""
        address = client_address(request)
        await count_attempt(services, account="setup", address=address)
        async with services.database.transaction() as session:
            user, membership = await setup.complete_setup(
                session, token=data.token, email=data.email, password=data.password, full_name=data.full_name,
                organization_name=data.organization_name,
            )  # fmt: skip
            signed_in = await sign_in.open_session(
                session, services.signer, user, membership, kind=kind_of(request, UNSET), ip_address=address,
                user_agent=request.headers.get("user-agent", ""),
            )  # fmt: skip
        return answer(services, signed_in, secure=request.url.scheme == "https")


async def sign_in_with(services: Services, request: Request[Any, Any, Any], data: LoginBody) -> sign_in.SignedIn:
    """Sign in with a password, a limited number of times; pages with a form use it too.

    Raises:
        Unauthenticated: one answer for whatever is wrong.
        RateLimited: too many attempts.
    """
    address = client_address(request)
    await count_attempt(services, account=data.email, address=address)
    async with services.database.transaction() as session:
        signed_in = await sign_in.login(
            session, services.signer, email=data.email, password=data.password, kind=kind_of(request, data.kind),
            organization_id=data.organization_id, ip_address=address, user_agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    await forget_attempts(services, account=data.email, address=address)
    return signed_in


def client_address(request: Request[Any, Any, Any]) -> str:
    """Of the peer; headers that anybody can send do not count."""
    return request.client.host if request.client else ""


def kind_of(request: Request[Any, Any, Any], said: Kind | UnsetType) -> Kind:
    """A browser names its origin on every change; a program does not."""
    if said is not UNSET:
        return said
    return "browser" if "origin" in request.headers or "sec-fetch-mode" in request.headers else "program"


def answer(services: Services, signed_in: sign_in.SignedIn, *, secure: bool) -> Response[Envelope[Tokens]]:
    """Tokens for a program; cookies for a browser, whose scripts never see the session."""
    if signed_in.access_token:
        tokens = Tokens(
            token_type="bearer", expires_in=signed_in.expires_in_s, access_token=signed_in.access_token,  # noqa: S106
            refresh_token=signed_in.token,
        )  # fmt: skip
        return Response(ok(tokens))
    lifetime = int(sign_in.LIFETIME.total_seconds())
    csrf = services.csrf_token(signed_in.actor.session_id)
    tokens = Tokens(token_type="cookie", expires_in=lifetime, csrf_token=csrf)  # noqa: S106
    return Response(ok(tokens), cookies=session_cookies(services, signed_in, secure=secure))


async def who(ctx: Context) -> Me:
    """The actor in words; also in the boot data of pages."""
    if ctx.actor.user_id is None:
        raise Unauthenticated("you are not signed in; sign in first")
    async with ctx.transaction() as session:
        user = await accounts.user_by_id(session, ctx.actor.user_id)
        organization = await accounts.get_organization(session, ctx.organization_id)
        features = await entitlements.enabled_features(session)
    return Me(
        user=shown(UserOut, user), organization=shown(OrganizationOut, organization), role=ctx.actor.role,
        permissions=sorted(permission for permission in EVERY if ctx.actor.may(permission)), features=features,
        csrf_token=ctx.services.csrf_token(ctx.actor.session_id),
    )  # fmt: skip
