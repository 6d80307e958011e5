"""New accounts and passwords: register, forgot, reset, change."""

from __future__ import annotations

from typing import Any

from headrace.accounts import recovery, sign_in
from headrace.accounts import service as accounts
from headrace.sdk.errors import ConfigError
from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from headrace_web.api.auth import Tokens, answer, kind_of, person
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import ENTRANCE, OF_ACCOUNTS, PERSON
from headrace_web.limits import count_attempt
from headrace_web.security.address import client_address
from headrace_web.services import Services


class RegisterBody(ApiStruct):
    """Who wants an account; the password is chosen with the link of the letter."""

    email: str
    full_name: str
    organization_name: str = ""


class ConfirmBody(ApiStruct):
    """The token of the letter's link, and the password of the new account."""

    token: str
    password: str


class ForgotBody(ApiStruct):
    """Whose password is forgotten."""

    email: str


class ResetBody(ApiStruct):
    """The token of the letter's link, and the new password; or `email` alone, which asks for such a letter."""

    token: str | UnsetType = UNSET
    new_password: str | UnsetType = UNSET
    email: str | UnsetType = UNSET


class ChangeBody(ApiStruct):
    """A change of password."""

    old_password: str
    new_password: str


class PasswordsController(Controller):
    """Accounts and passwords. Answers tell nobody which addresses have an account."""

    path = "/auth"
    opt = OF_ACCOUNTS
    tags = ("auth",)

    @post("/register", opt=ENTRANCE, status_code=200, security=[])
    async def register(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[RegisterBody]
    ) -> Envelope[dict[str, bool]]:
        """Ask for an account; a letter goes to the address. Only where registration is open."""
        await count_attempt(services, account=f"letter|{data.email}", address=client_address(request))
        async with services.database.transaction() as session:
            await recovery.register(
                session, email=data.email, full_name=data.full_name, organization_name=data.organization_name
            )
        return ok({"letter_queued": True})

    @post("/register/confirm", opt=ENTRANCE, security=[])
    async def confirm_registration(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[ConfirmBody]
    ) -> Response[Envelope[Tokens]]:
        """Make the account and its organization, and sign in."""
        await count_link(services, request)
        async with services.database.transaction() as session:
            user, membership = await recovery.confirm_registration(session, token=data.token, password=data.password)
            signed_in = await sign_in.open_session(
                session, services.signer, user, membership, kind=kind_of(request, UNSET),
                ip_address=client_address(request), user_agent=request.headers.get("user-agent", ""),
            )  # fmt: skip
        return answer(services, signed_in, secure=request.url.scheme == "https")

    @post("/forgot-password", opt=ENTRANCE, status_code=200, security=[])
    async def forgot_password(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[ForgotBody]
    ) -> Envelope[dict[str, bool]]:
        """Ask for a new password; the answer is the same for every address."""
        return ok(await _forgotten(services, request, data.email))

    @post("/reset-password", opt=ENTRANCE, status_code=200, security=[])
    async def reset_password(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[ResetBody]
    ) -> Envelope[dict[str, bool]]:
        """Set a new password; every sign-in ends. With an e-mail address alone it is `forgot-password`."""
        if data.token is UNSET and data.new_password is UNSET and data.email is not UNSET:
            return ok(await _forgotten(services, request, data.email))
        if data.token is UNSET or data.new_password is UNSET or data.email is not UNSET:
            missing = "token" if data.token is UNSET else "new_password" if data.new_password is UNSET else "email"
            raise ConfigError("give the link's token and the new_password, or the email alone", field=missing)
        await count_link(services, request)
        async with services.database.transaction() as session:
            await recovery.reset_password(session, token=data.token, new_password=data.new_password)
        return ok({"changed": True})

    @post("/change-password", opt=PERSON, status_code=200)
    async def change_password(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], data: JSONBody[ChangeBody]
    ) -> Envelope[dict[str, bool]]:
        """Change my password; every other sign-in ends, and tokens given out before."""
        await count_present(ctx, request)
        async with ctx.transaction() as session:
            await accounts.change_password(
                session, person(ctx), old=data.old_password, new=data.new_password, keep=ctx.actor.session_id
            )
        return ok({"changed": True})


async def _forgotten(services: Services, request: Request[Any, Any, Any], email: str) -> dict[str, bool]:
    await count_attempt(services, account=f"letter|{email}", address=client_address(request))
    async with services.database.transaction() as session:
        await recovery.forgot_password(session, email=email)
    return {"letter_queued": True}


async def count_present(ctx: Context, request: Request[Any, Any, Any]) -> None:
    """Count somebody who is asked for the present password: whoever found a browser open may not guess it for long.

    Raises:
        RateLimited: too many.
    """
    await count_attempt(ctx.services, account=f"present|{person(ctx)}", address=client_address(request))


async def count_link(services: Services, request: Request[Any, Any, Any]) -> None:
    """Count somebody who shows the token of a link; only their own address is slowed down.

    Raises:
        RateLimited: too many.
    """
    address = client_address(request)
    await count_attempt(services, account=f"link|{address}", address=address)
