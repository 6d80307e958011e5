"""One's second factor: an authenticator, and recovery codes."""

from __future__ import annotations

from typing import Any

from headrace.accounts import second_factor
from headrace.accounts import service as accounts
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from headrace_web.api.auth import person
from headrace_web.api.passwords import count_present
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import OF_ACCOUNTS, PERSON


class CodeBody(ApiStruct):
    """A code of the authenticator."""

    code: str


class PasswordBody(ApiStruct):
    """The present password, so that an open browser is not enough."""

    password: str


class SecondFactorController(Controller):
    """The second factor."""

    path = "/auth/second-factor"
    opt = OF_ACCOUNTS
    tags = ("auth",)

    @get("/", opt=PERSON)
    async def second_factor_state(self, ctx: NamedDependency[Context]) -> Envelope[second_factor.FactorState]:
        """Whether I have one."""
        async with ctx.transaction() as session:
            return ok(await second_factor.state(session, person(ctx)))

    @post("/", opt=PERSON, status_code=200)
    async def begin_second_factor(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], data: JSONBody[PasswordBody]
    ) -> Envelope[second_factor.Enrolment]:
        """Begin: the secret for an authenticator, shown once. It counts once a code has confirmed it."""
        await count_present(ctx, request)
        async with ctx.transaction() as session:
            user = await accounts.user_by_id(session, person(ctx))
            await accounts.check_password(user, data.password)
            return ok(await second_factor.enrol(session, ctx.services.signer.ring, user))

    @post("/confirm", opt=PERSON, status_code=200)
    async def confirm_second_factor(
        self, ctx: NamedDependency[Context], data: JSONBody[CodeBody]
    ) -> Envelope[dict[str, list[str]]]:
        """Turn it on; the answer has the recovery codes, shown once."""
        async with ctx.transaction() as session:
            codes = await second_factor.confirm(session, ctx.services.signer.ring, person(ctx), data.code)
        return ok({"recovery_codes": codes})

    @post("/recovery-codes", opt=PERSON, status_code=200)
    async def renew_recovery_codes(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], data: JSONBody[PasswordBody]
    ) -> Envelope[dict[str, list[str]]]:
        """New recovery codes; the old ones are void."""
        await count_present(ctx, request)
        async with ctx.transaction() as session:
            user = await accounts.user_by_id(session, person(ctx))
            await accounts.check_password(user, data.password)
            codes = await second_factor.renew_recovery_codes(session, user.id)
        return ok({"recovery_codes": codes})

    @post("/remove", opt=PERSON, status_code=200)
    async def remove_second_factor(
        self, request: Request[Any, Any, Any], ctx: NamedDependency[Context], data: JSONBody[PasswordBody]
    ) -> Envelope[dict[str, bool]]:
        """Sign in with the password alone from now on."""
        await count_present(ctx, request)
        async with ctx.transaction() as session:
            user = await accounts.user_by_id(session, person(ctx))
            await accounts.check_password(user, data.password)
            await second_factor.remove(session, user.id)
        return ok({"enabled": False})
