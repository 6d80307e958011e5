"""The refresh-token family as a machine: whatever comes in whatever order, one token is alive, and a thief ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from headrace.accounts import service, sign_in
from headrace.accounts.tokens import Signer
from headrace.infra.clock import clock
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.database import Database
from headrace.sdk.config import Secret
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

PASSWORDS = ["correct horse battery", "another good password"]
EMAIL = "ada@example.org"
EXAMPLES = 15
GRACE_S, LIFE_S = 5, 7 * 24 * 3600


class Family:
    """What has to be true of one sign-in."""

    def __init__(self, token: str, at: datetime) -> None:
        self.tokens, self.alive, self.rotated_at, self.expires_at = [token], True, None, at + sign_in.LIFETIME


def machine(database: Database, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.now = datetime(2026, 1, 1, tzinfo=UTC)
            self.signer = Signer(KeyRing([Secret(generate_key())]))
            self.families: list[Family] = []
            self.password = 0
            self.user = self._do(self._world())

        def _do(self, work):
            with clock(lambda: self.now):
                return loop.run_until_complete(work)

        async def _world(self):
            async with database.transaction() as session:
                number = await session.scalar(sign_in.sa.text("select count(*) from users"))
                self.email = f"{number}-{EMAIL}"
                user = await service.create_user(session, email=self.email, password=PASSWORDS[0])
                self.organization = (await service.create_organization(session, name="W")).id
                await service.add_member(session, self.organization, user.id, "owner")
            return user.id

        async def _refresh(self, token: str):
            async with database.transaction() as session:
                return await sign_in.refresh(session, self.signer, token)

        def _advance(self, family: Family, token: str, result) -> None:
            """What must have come of showing `token`."""
            late = family.rotated_at is None or self.now - family.rotated_at > timedelta(seconds=GRACE_S)
            live = family.alive and self.now < family.expires_at
            if not live:
                assert result is None
            elif token == family.tokens[-1]:
                assert result is not None
                family.tokens.append(result.token)
                family.rotated_at, family.expires_at = self.now, self.now + sign_in.LIFETIME
            else:
                assert result is None
                family.alive = not late and len(family.tokens) > 1 and token == family.tokens[-2]

        @rule()
        def login(self) -> None:
            async def work():
                async with database.transaction() as session:
                    return await sign_in.login(
                        session, self.signer, email=self.email, password=PASSWORDS[self.password]
                    )

            self.families.append(Family(self._do(work()).token, self.now))

        @precondition(lambda self: self.families)
        @rule(which=st.integers(0, 9), back=st.integers(0, 3))
        def refresh(self, which: int, back: int) -> None:
            family = self.families[which % len(self.families)]
            token = family.tokens[-1 - min(back, len(family.tokens) - 1)]
            self._advance(family, token, self._do(self._refresh(token)))

        @precondition(lambda self: self.families)
        @rule(which=st.integers(0, 9))
        def refresh_ten_times_at_once(self, which: int) -> None:
            family = self.families[which % len(self.families)]
            token = family.tokens[-1]

            async def work():
                return await asyncio.gather(*(self._refresh(token) for _ in range(10)))

            won = [one for one in self._do(work()) if one]
            assert len(won) <= 1
            self._advance(family, token, won[0] if won else None)

        @precondition(lambda self: self.families)
        @rule(which=st.integers(0, 9))
        def logout(self, which: int) -> None:
            family = self.families[which % len(self.families)]
            session_id = sign_in.SessionToken.parse(family.tokens[-1], "hrr_").session_id

            async def work():
                async with database.transaction(self.organization, user_id=self.user) as session:
                    actor = service.Actor(organization_id=self.organization, user_id=self.user)
                    await sign_in.end_session(session, actor, session_id)

            self._do(work())
            family.alive = False

        @rule(keep=st.booleans())
        def change_password(self, keep: bool) -> None:
            kept = self.families[-1] if keep and self.families else None
            session_id = sign_in.SessionToken.parse(kept.tokens[-1], "hrr_").session_id if kept else None

            async def work():
                async with database.transaction(self.organization, user_id=self.user) as session:
                    await service.change_password(
                        session, self.user, old=PASSWORDS[self.password], new=PASSWORDS[1 - self.password],
                        keep=session_id,
                    )  # fmt: skip

            self._do(work())
            self.password = 1 - self.password
            for family in self.families:
                family.alive = family.alive and family is kept

        @rule(seconds=st.sampled_from([1, GRACE_S, GRACE_S + 1, 3600, LIFE_S - 1, LIFE_S + 1]))
        def wait(self, seconds: int) -> None:
            self.now += timedelta(seconds=seconds)

        @invariant()
        def the_living_are_listed(self) -> None:
            async def work():
                async with database.transaction(self.organization, user_id=self.user) as session:
                    actor = service.Actor(organization_id=self.organization, user_id=self.user)
                    return await sign_in.list_sessions(session, actor)

            listed = {row.id for row in self._do(work())}
            alive = [f for f in self.families if f.alive and self.now < f.expires_at]
            assert listed == {sign_in.SessionToken.parse(f.tokens[-1], "hrr_").session_id for f in alive}

    return Machine


def test_the_machine_holds(database_urls, record_property) -> None:
    loop = asyncio.new_event_loop()
    database = Database.from_url(database_urls.app_url)
    try:
        run_state_machine_as_test(
            machine(database, loop),
            settings=settings(max_examples=EXAMPLES, stateful_step_count=12, deadline=None, database=None,
                              suppress_health_check=list(HealthCheck)),
        )  # fmt: skip
    finally:
        loop.run_until_complete(database.close())
        loop.close()
    record_property("security: refresh tokens, families of random steps that held", EXAMPLES)
