"""A backup that was taken amid work, restored elsewhere with an empty Redis: what was open goes on there, once."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time

import pytest
import sqlalchemy as sa
from headrace.executions.invariants import check
from headrace.infra.database import Database
from headrace.infra.postgres import binaries

from tests.chaos.stack import Stack
from tests.faults.conftest import KNOWN
from tests.faults.site import ENDED, until


def take(stack: Stack, place) -> None:
    """An online backup of the database, its secrets and the stored objects."""
    admin = stack.services._postgres.url("postgres", "postgres")
    command = [binaries() / "pg_basebackup", "-d", admin, "-D", place / "services" / "postgres", "-X", "stream",
               "-c", "fast"]  # fmt: skip
    (place / "services").mkdir(parents=True)
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120)
    shutil.copytree(stack.services.home / "secrets", place / "services" / "secrets")


@pytest.mark.slow
async def test_a_backup_restored_beside_an_empty_redis_ends_what_was_open(site, record_property):
    """F32."""
    flow = await site.gated(gate={"wait_for": site.path("open")})
    ended = await site.start(await site.gated(gate={"began": site.path("other")}, write={"target": site.path("t2")}))
    await site.ended(ended)
    execution = await site.start(flow)
    await until(lambda: site.lines("gate"))
    place = site.folder / "restored"
    await asyncio.to_thread(take, site.stack, place)
    later = await site.start(flow)
    for one in (execution, later):  # the old site is given up
        await site.post(f"/executions/{one}/cancel", status=202)
        await site.ended(one)
    began = time.monotonic()
    restored = Stack(place, plugins=KNOWN)
    try:
        shutil.copytree(site.stack.folder / "home", place / "home", dirs_exist_ok=True)
        restored.environment |= {"HEADRACE_FILE_ROOTS": str(site.stack.folder),
                                 "PYTHONPATH": site.stack.environment["PYTHONPATH"]}  # fmt: skip
        restored.start()
        site.open()
        database = Database.from_url(restored.urls.worker_url.reveal(), pool_size=1)

        async def statuses():
            async with database.transaction() as session:
                rows = await session.execute(sa.text("select id::text, status from executions"))
                return {row.id: row.status for row in rows}

        async def all_ended():
            return set((await statuses()).values()) <= ENDED

        await until(all_ended, what="the end of what the backup had open")
        took = time.monotonic() - began
        found = await statuses()
        assert (found[execution], found[ended]) == ("completed", "completed")
        assert later not in found, "what came after the backup is not in it"
        async with database.transaction() as session:
            assert await check(session) == []
        await database.close()
    finally:
        restored.end()
    site.one_effect(execution)
    record_property("figure", ("restored", "A backup restored, until what it had open has ended", "s", [took]))
