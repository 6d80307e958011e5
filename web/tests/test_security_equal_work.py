"""Answers that must not tell who has an account do the same work: hashes and statements are counted, not the clock."""

from __future__ import annotations

import bcrypt
import pytest
import sqlalchemy as sa
from headrace.accounts import passwords
from sqlalchemy import event

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"


@pytest.fixture
def work(client, monkeypatch):
    """What has been done since it was last asked: hash operations, and statements without their values."""
    done: list[str] = []
    verify, hash_ = passwords._verify, passwords._HASHER.hash

    def counted(password: str, stored: str | None) -> bool:
        done.append("verify")
        return verify(password, stored)

    class Counting:
        def __getattr__(self, name):
            return getattr(hasher, name)

        def hash(self, password: str) -> str:
            done.append("hash")
            return hash_(password)

    hasher = passwords._HASHER
    monkeypatch.setattr(passwords, "_verify", counted)
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    engine = client.app.state.services.database.engine.sync_engine

    @event.listens_for(engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_):
        done.append(statement)

    def taken() -> list[str]:
        found, done[:] = list(done), []
        return found

    return taken


async def people(client, sign_up, database) -> dict[str, str]:
    """Addresses by what is special about them."""
    owner = await sign_up(name="known")
    idle = await sign_up("viewer", owner.organization_id, name="idle")
    robot = await client.post(f"{API}/service-accounts", json={"name": "Robot"}, headers=owner.headers)
    members = (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]
    robots = next(one["email"] for one in members if one["id"] == robot.json()["data"]["id"])
    async with database.transaction() as session:
        await session.execute(sa.text("update users set is_active = false where email = :e"), {"e": idle.email})
    return {"known": owner.email, "inactive": idle.email, "a robot": robots, "unknown": "nobody@example.org"}


async def test_a_refused_sign_in_does_the_same_work_for_every_address(client, sign_up, database, work, monkeypatch):
    monkeypatch.setattr("headrace_web.limits.PER_ACCOUNT", 1_000)
    addresses = await people(client, sign_up, database)
    work()
    seen = {}
    for name, email in addresses.items():
        answer = await client.post(f"{API}/auth/login", json={"email": email, "password": "another password 5"})
        seen[name] = (answer.status_code, answer.json()["error"]["message"], tuple(work()))
    assert len(set(seen.values())) == 1, seen
    assert seen["unknown"][2].count("verify") == 1


async def test_a_letter_is_asked_for_with_the_same_work(client, sign_up, database, work):
    addresses = await people(client, sign_up, database)
    async with database.transaction() as session:
        await session.execute(sa.text("delete from letters"))
    work()
    seen = {}
    for name, email in addresses.items():
        answer = await client.post(f"{API}/auth/forgot-password", json={"email": email})
        seen[name] = (answer.status_code, tuple(answer.json()["data"].items()), tuple(work()))
    assert len(set(seen.values())) == 1, seen
    assert "hash" not in seen["unknown"][2]


async def test_an_imported_bcrypt_hash_is_upgraded_by_the_right_password_only(client, sign_up, database):
    person = await sign_up(name="imported")
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()

    async def stored(change: str = "") -> str:
        async with database.transaction() as session:
            if change:
                await session.execute(
                    sa.text("update users set password_hash = :h where email = :e"), {"h": change, "e": person.email}
                )
            return await session.scalar(
                sa.text("select password_hash from users where email = :e"), {"e": person.email}
            )

    async def login(password: str) -> int:
        body = {"email": person.email, "password": password}
        return (await client.post(f"{API}/auth/login", json=body)).status_code

    await stored(old)
    assert await login("another password 5") == 401
    assert await stored() == old
    assert await login(PASSWORD) == 200
    assert (await stored()).startswith("$argon2id$")
    assert await login(PASSWORD) == 200
    long = "x" * 72 + " and what bcrypt never saw"
    await stored(bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode())
    assert await login(long) == 200
    assert await login(long[:72]) == 401, "upgraded, the whole password counts"
    for broken in ("$2b$04$short", "$2b$99$" + "x" * 53, "", "plain"):
        await stored(broken)
        assert await login(PASSWORD) == 401


def test_wrong_passwords_cost_the_same_beside_imported_hashes(monkeypatch):
    """From the first imported hash on, every wrong password is checked against each kind."""
    done: list[str] = []
    monkeypatch.setattr(passwords, "_IMPORTED", {})
    monkeypatch.setattr(passwords, "_verify_argon2", lambda *_: done.append("argon2") or False)
    monkeypatch.setattr(passwords, "_verify_bcrypt", lambda _, stored: done.append(f"bcrypt {stored[4:6]}") or False)
    kinds = {"imported": "$2b$04$" + "C" * 53, "own": "$argon2id$v=19$", "nobody": None, "other": "$2b$05$" + "C" * 53}
    for stored in kinds.values():
        passwords._verify("wrong", stored)
    costs = {}
    for name, stored in kinds.items():
        done.clear()
        assert passwords._verify("wrong", stored) is False
        costs[name] = sorted(done)
    assert costs == {name: ["argon2", "bcrypt 04", "bcrypt 05"] for name in kinds}


def test_the_hash_of_nobody_is_one_that_bcrypt_takes():
    assert bcrypt.checkpw(b"x", f"$2b$04${'C' * 21}u{'u' * 31}".encode()) is False
