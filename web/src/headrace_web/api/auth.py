"""Sign in, refresh, sign out, who am I, and the first account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.accounts import members, recovery, second_factor, setup, sign_in
from headrace.accounts import service as accounts
from headrace.accounts.permissions import EVERY
from headrace.entitlements import service as entitlements
from headrace.identities import entrance
from headrace.sdk.errors import Denied, Unauthenticated
from litestar import Controller, Request, Response, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, base_version, given, ok, shown
from headrace_web.guards import ENTRANCE, OF_ACCOUNTS, PERSON, SIGNED_IN
from headrace_web.limits import RateLimited, count_attempt, forget_attempts
from headrace_web.security.address import client_address
from headrace_web.security.cookies import ended_cookies, session_cookies
from headrace_web.services import Services

Kind = Literal["browser", "program"]
Name = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00-\x1f]*$")]
Offset = Annotated[str, Meta(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$", description="From UTC, e.g. `+05:30`.")]
Username = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="One in an organization.")]
PhotoUrl = Annotated[str, Meta(max_length=2000, pattern=r"^https://[^\s]+$")]


class LoginBody(ApiStruct):
    """Who signs in; `code` is of the second factor, or a recovery code.

    `kind` browser sets a cookie; program answers tokens; absent, the request's headers tell.
    """

    email: str
    password: str
    code: str | None = None
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
    """A user; the username is theirs in the present organization."""

    id: UUID
    email: str
    username: str | None = None
    full_name: str
    first_name: str
    last_name: str
    photo_url: str | None
    user_utc_offset: str
    is_active: bool
    is_email_verified: bool
    last_login_at: datetime | None
    is_platform_admin: bool
    settings: dict[str, Any]
    row_version: int


class UserPatch(ApiStruct):
    """What to change of oneself."""

    username: Username | UnsetType | None = UNSET
    full_name: str | UnsetType = UNSET
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    photo_url: PhotoUrl | UnsetType | None = UNSET
    user_utc_offset: Offset | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class UserPut(ApiStruct):
    """Oneself as a whole: what is left out takes its default."""

    full_name: str
    username: Username | None = None
    first_name: Name = ""
    last_name: Name = ""
    photo_url: PhotoUrl | None = None
    user_utc_offset: Offset = "+00:00"
    settings: dict[str, Any] = {}
    row_version: int | UnsetType = UNSET


class SecondFactorRequired(Unauthenticated):
    """The password is right; send the sign-in again with `code`."""

    code = "SECOND_FACTOR_REQUIRED"


class ProviderOut(Struct, kw_only=True):
    """A way to sign in.

    `kind` password and form take a name and a password at `action`; one goes to `action` of the others with the
    browser.
    """

    id: str
    title: str
    kind: str
    icon: str
    action: str


class Providers(Struct, kw_only=True):
    """How one signs in here, and whether strangers may make accounts."""

    providers: list[ProviderOut]
    registration: recovery.Registration


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
    role_name: str
    permissions: list[str]
    features: dict[str, bool]
    csrf_token: str


class AuthController(Controller):
    """Signing in and out."""

    path = "/auth"
    opt = OF_ACCOUNTS
    tags = ("auth",)

    @post("/login", opt=ENTRANCE, status_code=200, security=[])
    async def login(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[LoginBody]
    ) -> Response[Envelope[Tokens]]:
        """Sign in with e-mail address and password."""
        return answer(services, await sign_in_with(services, request, data), secure=request.url.scheme == "https")

    @post("/refresh", opt=ENTRANCE, status_code=200, security=[])
    async def refresh(
        self, services: NamedDependency[Services], data: JSONBody[RefreshBody]
    ) -> Response[Envelope[Tokens]]:
        """Exchange a refresh token for a new pair; it is good for one exchange."""
        async with services.database.transaction() as session:
            signed_in = await sign_in.refresh(session, services.signer, data.refresh_token)
        if signed_in is None:
            raise Unauthenticated("the refresh token is not valid any more; sign in again")
        return answer(services, signed_in, secure=False)

    @post("/logout", opt=PERSON, status_code=200)
    async def logout(self, ctx: NamedDependency[Context]) -> Response[Envelope[dict[str, bool]]]:
        """End this sign-in."""
        async with ctx.transaction() as session:
            await sign_in.logout(session, ctx.actor)
        return Response(ok({"signed_out": True}), cookies=ended_cookies(ctx.services))

    @get("/me", opt=SIGNED_IN)
    async def me(self, ctx: NamedDependency[Context]) -> Envelope[Me]:
        """Who is signed in, and what they may do."""
        return ok(await who(ctx))

    @patch("/me", opt=PERSON)
    async def update_me(
        self, ctx: NamedDependency[Context], data: JSONBody[UserPatch], if_match: IfMatch = None
    ) -> Envelope[Me]:
        """Change what is given of oneself."""
        return await _changed(ctx, data, if_match)

    @put("/me", opt=PERSON)
    async def replace_me(
        self, ctx: NamedDependency[Context], data: JSONBody[UserPut], if_match: IfMatch = None
    ) -> Envelope[Me]:
        """Put oneself as a whole."""
        return await _changed(ctx, data, if_match)

    @get("/providers", opt=ENTRANCE, security=[])
    async def list_providers(
        self, services: NamedDependency[Services], organization: FromQuery[str] = "", email: FromQuery[str] = ""
    ) -> Envelope[Providers]:
        """How to sign in here: for everybody, in an organization (its slug), and with an e-mail address."""
        async with services.database.transaction() as session:
            found = await entrance.offers(session, services.host.registry, slug=organization, email=email)
            registration = await recovery.registration(session)
        shown_ = [ProviderOut(**to_builtins(offer), action=action_of(offer)) for offer in found]
        return ok(Providers(providers=shown_, registration=registration))


class SetupController(Controller):
    """The first account of an installation."""

    path = "/setup"
    opt = OF_ACCOUNTS
    tags = ("auth",)

    @get("/", opt=ENTRANCE, security=[])
    async def setup_state(self, services: NamedDependency[Services]) -> Envelope[dict[str, bool]]:
        """Whether there is no account yet."""
        async with services.database.transaction() as session:
            return ok({"needs_setup": await setup.needs_setup(session)})

    @post("/", opt=ENTRANCE, security=[])
    async def complete_setup(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[SetupBody]
    ) -> Response[Envelope[Tokens]]:
        """Make the first account and sign it in."""
        signed_in = await set_up(services, request, data, kind_of(request, UNSET))
        return answer(services, signed_in, secure=request.url.scheme == "https")


async def set_up(services: Services, request: Request[Any, Any, Any], data: SetupBody, kind: Kind) -> sign_in.SignedIn:
    """Make the first account and sign it in; the page with a form uses it too."""
    address = client_address(request)
    await count_attempt(services, account=f"setup|{address}", address=address)
    async with services.database.transaction() as session:
        user, membership = await setup.complete_setup(
            session, token=data.token, email=data.email, password=data.password, full_name=data.full_name,
            organization_name=data.organization_name,
        )  # fmt: skip
        return await sign_in.open_session(
            session, services.signer, user, membership, kind=kind, ip_address=address,
            user_agent=request.headers.get("user-agent", ""),
        )  # fmt: skip


def action_of(offer: entrance.Offer) -> str:
    """Where one signs in with it."""
    if offer.kind == "password":
        return "/api/v1/auth/login"
    return f"/api/v1/auth/providers/{offer.id}/{'login' if offer.kind == 'form' else 'start'}"


async def sign_in_with(services: Services, request: Request[Any, Any, Any], data: LoginBody) -> sign_in.SignedIn:
    """Sign in with a password, a limited number of times; pages with a form use it too.

    Raises:
        Unauthenticated: one answer for whatever is wrong.
        SecondFactorRequired: the password is right and a code is asked for.
        RateLimited: too many attempts.
    """
    if all(one.manifest.kind != "password" for one in services.host.registry.auth_providers.values()):
        raise Denied("one does not sign in with a password here; choose another way")
    address = client_address(request)
    await count_attempt(services, account=data.email, address=address)
    async with services.database.transaction() as session:
        signed_in = await sign_in.login(
            session, services.signer, email=data.email, password=data.password, code=data.code,
            kind=kind_of(request, data.kind), organization_id=data.organization_id, ip_address=address,
            user_agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    if not isinstance(signed_in, sign_in.SignedIn):
        raise refused(signed_in)
    await forget_attempts(services, account=data.email, address=address)
    return signed_in


def refused(outcome: second_factor.Outcome) -> Exception:
    """What a second factor that did not pass means."""
    if outcome == "missing":
        return SecondFactorRequired("give the code of your authenticator, or a recovery code, as `code`")
    if outcome == "locked":
        wait = int(second_factor.LOCK.total_seconds())
        return RateLimited(f"too many wrong codes; wait {wait // 60} minutes and try again", retry_after_s=wait)
    return Unauthenticated("the code is wrong or was used already; wait for the next one")


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


async def _changed(ctx: Context, data: UserPatch | UserPut, if_match: str | None) -> Envelope[Me]:
    version = base_version(if_match, data.row_version, "user")
    changes = given(data, "row_version", "username")
    if "user_utc_offset" in changes:
        changes["user_utc_offset"] = minutes_of(changes["user_utc_offset"])
    async with ctx.transaction() as session:
        await accounts.update_user(session, person(ctx), changes, row_version=version)
        if data.username is not UNSET:
            await members.set_username(session, ctx.organization_id, person(ctx), data.username)
    return ok(await who(ctx))


async def who(ctx: Context) -> Me:
    """The actor in words; also in the boot data of pages."""
    async with ctx.transaction() as session:
        user = await accounts.user_by_id(session, person(ctx))
        membership = await session.get_one(accounts.Membership, (ctx.organization_id, user.id))
        organization = await accounts.get_organization(session, ctx.organization_id)
        features = await entitlements.enabled_features(session)
    return Me(
        user=_user(user, membership), organization=shown(OrganizationOut, organization), role=ctx.actor.role,
        role_name=ctx.actor.role_name or ctx.actor.role,
        permissions=sorted(permission for permission in EVERY if ctx.actor.may(permission)), features=features,
        csrf_token=ctx.services.csrf_token(ctx.actor.session_id),
    )  # fmt: skip


def _user(user: accounts.User, membership: accounts.Membership) -> UserOut:
    minutes = user.user_utc_offset
    fields = {name: getattr(user, name) for name in UserOut.__struct_fields__ if name != "username"}
    fields["user_utc_offset"] = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return UserOut(**fields, username=membership.username)


def minutes_of(offset: str) -> int:
    """Minutes of an offset from UTC such as `-03:30`."""
    minutes = int(offset[1:3]) * 60 + int(offset[4:])
    return -minutes if offset[0] == "-" else minutes


def person(ctx: Context) -> UUID:
    """The user who acts.

    Raises:
        Unauthenticated: nobody does.
    """
    if ctx.actor.user_id is None:
        raise Unauthenticated("you are not signed in; sign in first")
    return ctx.actor.user_id
