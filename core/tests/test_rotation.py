"""T-ENC-2, F31: keys rotate while others read and write, though the rotator is killed: nothing fails, nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.accounts.models import SecondFactor
from headrace.connections import service
from headrace.connections.models import Connection
from headrace.infra.crypto import KeyRing, Sealed, generate_key, key_id, master_key_bytes
from headrace.infra.database import Database
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.infra.rotation import Rotator, standing
from headrace.infra.settings import Settings
from headrace.sdk.config import Secret
from headrace.testing.processes import until
from headrace.workspaces import models as _tables  # noqa: F401 - the table that connections refer to

FULL = (pytest.mark.slow, pytest.mark.timeout(900))
_KIDS = sa.text("select distinct split_part(config, '.', 2) from connections")
_MOVED = sa.text("""
select (select count(*) from connections where split_part(config, '.', 2) <> all(:kids))
  + (select count(*) from data_keys where split_part(wrapped, '.', 2) = :kid)
""")


class World:
    """Organizations with connections, and processes that work on them."""

    def __init__(self, settings: Settings, database: Database, folder: Path) -> None:
        self.settings, self.database, self.folder = settings, database, folder
        self.file = folder / "master.keys"
        self.old, self.new = generate_key(), generate_key()
        self.file.write_text(self.old)
        self.first: set[str] = set()
        self.rows: list[tuple[UUID, UUID]] = []
        self.children: list[subprocess.Popen[bytes]] = []

    async def fill(self, connections: int, organizations: int) -> None:
        ring = KeyRing([Secret(self.old)])
        for _ in range(organizations):
            async with self.database.transaction() as session:
                one = (await accounts.create_organization(session, name="Works")).id
                vault = service.Vault(ring)
                for number in range(connections // organizations):
                    row_id = new_id()
                    config = await vault.seal(session, one, row_id, {"password": f"canary-{row_id}"})
                    session.add(
                        Connection(organization_id=one, id=row_id, name=f"c{number}", connector="x", config=config)
                    )
                    self.rows.append((one, row_id))
        (self.folder / "rows.json").write_text(
            json.dumps([{"organization": str(o), "id": str(r)} for o, r in self.rows])
        )

    def _spawn(self, *command: str, **options: int) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"], "HEADRACE_HOME": str(self.folder),
            "HEADRACE_DATABASE_URL": self.settings.database_url.reveal(),
            "HEADRACE_DATABASE_WORKER_URL": self.settings.database_worker_url.reveal(),
            "HEADRACE_REDIS_URL": self.settings.redis_url.reveal(), "HEADRACE_MASTER_KEYS_FILE": str(self.file),
        }  # fmt: skip
        child = subprocess.Popen([sys.executable, *command], env=environment, **options)
        self.children.append(child)
        return child

    def reader(self) -> subprocess.Popen[bytes]:
        url = self.settings.database_url.reveal()
        arguments = (
            str(Path(__file__).parent / "rotation_reader.py"),
            url,
            str(self.file),
            str(self.folder / "rows.json"),
        )
        child = self._spawn(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        return child

    async def rotate(self, *options: str, killed_after: int | None = None) -> bytes:
        """Rotate in a process; with `killed_after` kill it once it has done so many more."""
        child = self._spawn(
            "-m", "headrace", "keys", "rotate", *options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if killed_after is not None:
            begun = await self.done()

            async def far() -> bool:
                return child.poll() is not None or await self.done() - begun >= killed_after

            await until(far, deadline_s=300)
            assert child.poll() is None, f"it ended before it was killed: {child.communicate()[0]!r}"
            child.kill()
        said, _ = await asyncio.to_thread(child.communicate, timeout=300)
        assert child.returncode == (0 if killed_after is None else -9), said
        return said

    async def done(self) -> int:
        """How much is under other keys than at first, by no code of the rotation."""
        moved = 0
        for one in {organization for organization, _ in self.rows}:
            async with self.database.transaction(one) as session:
                moved += await session.scalar(_MOVED, {"kids": list(self.first), "kid": kid(self.new)}) or 0
        return moved

    async def kids(self) -> set[str]:
        """Ids of the keys that have encrypted connections."""
        found: set[str] = set()
        for one in {organization for organization, _ in self.rows}:
            async with self.database.transaction(one) as session:
                found |= set(await session.scalars(_KIDS))
        return found

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            with contextlib.suppress(ValueError):
                child.communicate()


@pytest.fixture
def world(headrace_settings: Settings, database: Database, tmp_path: Path) -> Iterator[World]:
    made = World(headrace_settings, database, tmp_path)
    yield made
    made.end()


def kid(text: str) -> str:
    return key_id(master_key_bytes(Secret(text)))


@pytest.mark.parametrize(
    ("connections", "organizations", "readers", "kills"),
    [pytest.param(100, 4, 1, (1, 0), id="small"), pytest.param(1_000, 20, 2, (5, 5), id="full", marks=FULL)],
)
async def test_both_levels_rotate_under_load_though_the_rotator_is_killed(
    world: World, worker_database: Database, connections: int, organizations: int, readers: int,
    kills: tuple[int, int], record_property: Callable[[str, int], None],
) -> None:  # fmt: skip
    await world.fill(connections, organizations)
    before = await standing(Rotator(worker_database, KeyRing([Secret(world.old)])))
    assert (before.blobs, before.behind) == ({"connections.config": connections}, 0)
    world.first = await world.kids()
    reading = [world.reader() for _ in range(readers)]

    share = connections // (2 * kills[0] + 2)
    for _ in range(kills[0]):
        await world.rotate("--data", "--batch", "5", "--rest", "0.05", killed_after=share)
    await world.rotate("--data", "--batch", "50")

    world.file.write_text(f"{world.new}\n{world.old}\n")
    for _ in range(kills[1]):
        await world.rotate("--master", "--rest", "0.3", killed_after=1)
    said = await world.rotate("--master")
    assert f"{kid(world.new)} is the only master key that is needed now".encode() in said
    world.file.write_text(world.new)
    await asyncio.sleep(1.5)  # readers go on with the new one alone

    told = [json.loads((await asyncio.to_thread(child.communicate, b""))[0]) for child in reading]
    failures = [reason for one in told for reason in one["failures"]]
    reads, writes = (sum(one[name] for one in told) for name in ("reads", "writes"))
    rotator = Rotator(worker_database, KeyRing([Secret(world.new)]))
    after, left = await standing(rotator), await world.kids() & world.first
    print(
        f"\nrotation drill: {connections} connections, {organizations} organizations, {sum(kills)} kills -9;"
        f" {reads} reads and {writes} writes in {readers} processes, {len(failures)} failed;"
        f" blobs under old data keys: {after.behind},"
        f" data keys under the old master key: {after.wrapped.get(kid(world.old), 0)}"
    )
    figures = {
        "connections": connections, "kills -9": sum(kills), "reads meanwhile": reads, "writes meanwhile": writes,
        "reads or writes that failed": len(failures), "blobs left under an old data key": after.behind,
        "data keys left under the old master key": after.wrapped.get(kid(world.old), 0),
    }  # fmt: skip
    for name, figure in figures.items():
        record_property(f"security: rotation of keys, {name}", figure)
    assert failures == []
    assert reads > connections
    assert (after.behind, after.unfinished, left) == (0, 0, set())
    assert after.blobs == {"connections.config": connections}
    assert set(after.wrapped) == {kid(world.new)}


async def test_a_blob_that_is_stored_while_a_rotation_begins_is_found(world: World, worker_database: Database) -> None:
    await world.fill(1, 1)
    ring, (one, row_id) = KeyRing([Secret(world.old)]), world.rows[0]
    async with world.database.transaction(one) as session:
        cipher = await sealing_cipher(session, ring, one)
        rotation = asyncio.create_task(Rotator(worker_database, ring).data(one))
        await asyncio.sleep(0.5)
        assert not rotation.done(), "it waits for who stores under the old key"
        row = await session.get_one(Connection, (one, row_id))
        row.config = cipher.encrypt(b'{"password":"late"}', table="connections", row_id=row_id, field="config")
    assert (await rotation).blobs == 1
    async with world.database.transaction(one) as session:
        now = await organization_cipher(session, ring, one)
        row = await session.get_one(Connection, (one, row_id))
        assert row.config.split(".")[1] == now.current != cipher.current


async def test_what_belongs_to_persons_follows_the_master_key(world: World, worker_database: Database) -> None:
    old, both = KeyRing([Secret(world.old)]), KeyRing([Secret(world.new), Secret(world.old)])
    async with world.database.transaction() as session:
        user = await accounts.create_user(
            session, email="a@example.org", password="correct horse 9 battery", full_name="A"
        )
    blob = old.personal_cipher().encrypt(b"totp", table="second_factors", row_id=user.id, field="secret")
    async with world.database.transaction(user_id=user.id) as session:
        session.add(SecondFactor(user_id=user.id, secret=blob))
    assert (await Rotator(worker_database, both).master()).blobs == 1
    alone = KeyRing([Secret(world.new)])
    async with world.database.transaction(user_id=user.id) as session:
        stored = (await session.get_one(SecondFactor, user.id)).secret
    assert alone.personal_cipher().decrypt(stored, table="second_factors", row_id=user.id, field="secret") == b"totp"


async def test_nobody_is_told_of_another_key_and_a_broken_blob_is_named(
    world: World, worker_database: Database
) -> None:
    await world.fill(2, 1)
    one, broken = world.rows[0]
    async with world.database.transaction(one) as session:
        await session.execute(sa.text("update connections set config = config || 'A' where id = :id"), {"id": broken})
        events = sa.text("insert into event_subscriptions (organization_id, id, name, url, events, secrets)"
                         " values (:o, :i, 'x', 'https://example.org/', '{*}', 'v1.x.y.z')")  # fmt: skip
        await session.execute(events, {"o": one, "i": new_id()})
    with pytest.raises(Sealed):
        await Rotator(worker_database, KeyRing([Secret(world.new)])).data(one)
    with pytest.raises(Sealed):
        await Rotator(worker_database, KeyRing([Secret(world.new)])).master()
    async with world.database.transaction(one) as session:
        await session.execute(sa.text("delete from event_deliveries"))
        await session.execute(sa.text("update event_subscriptions set secrets = ''"))
    moved = await Rotator(worker_database, KeyRing([Secret(world.old)])).data(one)
    assert moved.blobs == 1
    assert f"connections/{broken}" in moved.broken
    async with world.database.transaction(one) as session:
        assert await session.scalar(sa.text("select count(*) from event_deliveries")) == 0
