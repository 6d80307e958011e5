"""Second factors: drift, replay, lock-out, recovery codes, and that the secret is stored encrypted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyotp
import pytest
import sqlalchemy as sa
from headrace.accounts import second_factor, service
from headrace.infra.clock import clock
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.database import Database
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError, Conflict
from msgspec import Struct

START = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


class Person(Struct):
    database: Database
    ring: KeyRing
    user_id: UUID
    totp: pyotp.TOTP
    recovery_codes: list[str]

    def code(self, at: datetime) -> str:
        return self.totp.at(at)

    async def check(self, code: str | None, at: datetime) -> str:
        with clock(lambda: at):
            async with self.database.transaction(user_id=self.user_id) as session:
                return await second_factor.check(session, self.ring, self.user_id, code)


@pytest.fixture
async def person(database: Database) -> Person:
    ring = KeyRing([Secret(generate_key())])
    async with database.transaction() as session:
        user = await service.create_user(session, email="ada@example.org", password="correct horse battery")
    async with database.transaction(user_id=user.id) as session:
        enrolment = await second_factor.enrol(session, ring, user)
    totp = pyotp.TOTP(enrolment.secret)
    assert enrolment.secret in enrolment.uri
    with clock(lambda: START - timedelta(seconds=60)):
        async with database.transaction(user_id=user.id) as session:
            codes = await second_factor.confirm(session, ring, user.id, totp.at(START - timedelta(seconds=60)))
    return Person(database, ring, user.id, totp, codes)


async def test_a_code_is_good_once_and_so_is_none_before_it(person: Person) -> None:
    code = person.code(START)
    assert await person.check(code, START) == "passed"
    assert await person.check(code, START) == "wrong"
    assert await person.check(code, START + timedelta(seconds=20)) == "wrong"
    assert await person.check(person.code(START - timedelta(seconds=30)), START) == "wrong", "an older one is used too"
    assert await person.check(person.code(START + timedelta(seconds=30)), START + timedelta(seconds=30)) == "passed"


@pytest.mark.parametrize(("off_s", "outcome"), [(-30, "passed"), (0, "passed"), (30, "passed"), (60, "wrong"),
                                                (-60, "wrong"), (90, "wrong")])  # fmt: skip
async def test_clocks_may_differ_by_one_step(person: Person, off_s: int, outcome: str) -> None:
    assert await person.check(person.code(START + timedelta(seconds=off_s)), START) == outcome


async def test_wrong_codes_lock_for_a_while(person: Person) -> None:
    for code in ("000000", "", None, "abcdef", "12345", "1234567", "\uff11\uff12\uff13\uff14\uff15\uff16"):
        assert await person.check(code, START) in {"wrong", "missing"}
    outcomes = [await person.check("000000", START) for _ in range(3)]
    assert "locked" in outcomes
    assert await person.check(person.code(START), START) == "locked", "not even the right one"
    later = START + second_factor.LOCK + timedelta(seconds=1)
    assert await person.check(person.code(later), later) == "passed"


async def test_a_recovery_code_is_good_once_in_any_spelling(person: Person) -> None:
    first, second = person.recovery_codes[:2]
    assert len(set(person.recovery_codes)) == second_factor.RECOVERY_CODES
    assert await person.check(first, START) == "passed"
    assert await person.check(first, START) == "wrong"
    assert await person.check(second.replace("-", " ").upper(), START) == "passed"
    async with person.database.transaction(user_id=person.user_id) as session:
        assert (await second_factor.state(session, person.user_id)).recovery_codes_left == 8
        renewed = await second_factor.renew_recovery_codes(session, person.user_id)
    assert await person.check(person.recovery_codes[3], START) == "wrong", "the old ones are void"
    assert await person.check(renewed[0], START) == "passed"


async def test_nothing_of_it_is_stored_in_the_clear_or_seen_by_others(person: Person) -> None:
    dump = sa.text("select to_jsonb(f)::text from second_factors f")
    async with person.database.transaction(user_id=person.user_id) as session:
        (row,) = (await session.scalars(dump)).all()
    for secret in (person.totp.secret, *person.recovery_codes):
        assert secret not in row
        assert secret.replace("-", "") not in row
    async with person.database.transaction() as session:
        other = await service.create_user(session, email="eve@example.org", password="correct horse battery")
    for user_id in (other.id, None):
        async with person.database.transaction(user_id=user_id) as session:
            assert (await session.scalars(dump)).all() == []


async def test_it_is_begun_once_and_confirmed_by_a_right_code(person: Person) -> None:
    async with person.database.transaction(user_id=person.user_id) as session:
        user = await session.get_one(service.User, person.user_id)
        with pytest.raises(Conflict):
            await second_factor.enrol(session, person.ring, user)
        await second_factor.remove(session, person.user_id)
    assert await person.check(None, START) == "off"
    async with person.database.transaction(user_id=person.user_id) as session:
        await second_factor.enrol(session, person.ring, user)
        with pytest.raises(ConfigError):
            await second_factor.confirm(session, person.ring, person.user_id, "000000")
    assert await person.check(None, START) == "off", "what was not confirmed is not asked for"
