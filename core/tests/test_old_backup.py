"""T-ENC-4: a backup from before a rotation opens with the key of its time, and with no other; a broken one restores
nothing silently."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.connections.models import Connection
from headrace.connections.service import Vault
from headrace.infra.crypto import KeyRing, Sealed, generate_key
from headrace.infra.database import Database
from headrace.infra.datakeys import ring_problem
from headrace.infra.ids import new_id
from headrace.infra.postgres import binaries
from headrace.infra.rotation import Rotator, standing
from headrace.sdk.config import Secret
from headrace.testing.services import as_role, fresh_database, needs, with_database
from headrace.workspaces import models as _tables  # noqa: F401 - the table that connections refer to


def ran(program: str, *words: str | Path) -> int:
    done = subprocess.run([str(binaries() / program), *map(str, words)], capture_output=True, text=True, check=False)
    return done.returncode


async def opened(url: str, ring: KeyRing, rows) -> list[str]:
    database = Database.from_url(url, pool_size=1)
    try:
        found = []
        for organization_id, row_id in rows:
            async with database.transaction(organization_id) as session:
                row = await session.get_one(Connection, (organization_id, row_id))
                found.append((await Vault(ring).open(session, row))["password"])
        return found
    finally:
        await database.close()


async def test_an_old_backup_opens_with_the_key_of_its_time(database_urls, database, worker_database, tmp_path):
    old, new = Secret(generate_key()), Secret(generate_key())
    rows = []
    for _ in range(2):
        async with database.transaction() as session:
            one = (await accounts.create_organization(session, name="Works")).id
            for number in range(3):
                row_id = new_id()
                config = await Vault(KeyRing([old])).seal(session, one, row_id, {"password": f"canary-{row_id}"})
                session.add(Connection(organization_id=one, id=row_id, name=f"c{number}", connector="x", config=config))
                rows.append((one, row_id))
    secrets = [f"canary-{row_id}" for _, row_id in rows]
    source = with_database(needs("postgres"), database_urls.app_url.rpartition("/")[2])
    backup = tmp_path / "backup"
    assert ran("pg_dump", "-Fc", "-d", source, "-f", backup) == 0

    both = Rotator(worker_database, KeyRing([new, old]))
    await both.all_data()
    await both.master()
    assert set((await standing(both)).wrapped) == {KeyRing([new]).current}
    assert await opened(database_urls.app_url, KeyRing([new]), rows) == secrets
    with pytest.raises(Sealed):
        await opened(database_urls.app_url, KeyRing([old]), rows)

    with fresh_database(migrated=False) as target:
        assert ran("pg_restore", "--exit-on-error", "-d", target, backup) == 0
        restored = as_role(target, "headrace_app")
        assert await opened(restored, KeyRing([old]), rows) == secrets
        with pytest.raises(Sealed):
            await opened(restored, KeyRing([new]), rows)
        again = Database.from_url(restored, pool_size=1)
        async with again.transaction() as session:
            assert await ring_problem(session, KeyRing([old])) == ""
            assert await ring_problem(session, KeyRing([new])) != "", "it starts sealed"
            assert await session.scalar(sa.text("select count(*) from connections")) == 0, "row-level security is back"
        await again.close()
    cut = tmp_path / "cut"
    cut.write_bytes(backup.read_bytes()[: backup.stat().st_size * 2 // 3])
    with fresh_database(migrated=False) as target:
        assert ran("pg_restore", "--exit-on-error", "--single-transaction", "-d", target, cut) != 0
