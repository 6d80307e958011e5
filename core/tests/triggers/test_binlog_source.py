"""Changes of MariaDB start their flow once each and in order, though the process that reads them is killed."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from headrace.connections import service as connections
from headrace.plugins.manager import load_plugins
from headrace.testing.mariadb_server import binlog_server
from headrace.worker import sources as asking

pytestmark = [
    pytest.mark.slow,  # makes and starts a server with a binlog
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not shutil.which("mariadbd"), reason="mariadb-server is not installed"),
]
PLUGINS = ["node-lab", "node-triggers", "plugin-engine_polars", "connector-mariadb"]
AT_ONCE = 500
CHANGES = 100_000
TOGETHER = 5_000


@pytest.fixture
def shop() -> Iterator[dict[str, Any]]:
    made = tempfile.TemporaryDirectory(prefix="headrace-mariadb-", ignore_cleanup_errors=True)
    with made as name, binlog_server(Path(name)) as config:
        run(config, "CREATE TABLE item (id INT PRIMARY KEY)")
        yield config


def run(config: dict[str, Any], statement: str) -> None:
    with closing(pymysql.connect(**{**config, "autocommit": True})) as db, db.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
async def watched(works, lab, shop, monkeypatch):
    """The trigger on changes of the shop."""
    monkeypatch.setenv("HEADRACE_LOAD_PLUGINS", ",".join(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(lab))
    monkeypatch.setattr(asking, "BACK_OFF_S", (0.2, 0.5, 1))
    works.host = load_plugins(only=PLUGINS, strict=True)
    async with works.database.transaction(works.organization_id) as session:
        await connections.create(session, works.actor, works.vault, works.host.registry, name="shop",
                                 connector="mariadb", config=shop)  # fmt: skip
    given = {
        "connection": "shop", "tables": ["item"], "snapshot": "never", "batch_changes": AT_ONCE, "batch_seconds": 0,
    }  # fmt: skip
    return await works.trigger("cdc_mariadb", given)


async def test_100_000_changes_once_and_in_order_though_the_reader_is_killed_twice(
    works, watched, shop, serving, ticker, wait_until, source_runners
):
    for _ in range(2):
        await serving(works)

    async def placed():
        return await works.rows("select 1 from triggers where state ? 'cursor'")

    await wait_until(placed)
    for start in range(0, CHANGES, TOGETHER):
        run(shop, f"INSERT INTO item VALUES {','.join(f'({n})' for n in range(start, start + TOGETHER))}")

    async def events():
        await ticker.tick()
        (row,) = await works.rows("select count(*) as n from trigger_events")
        return row.n

    kills = 0
    for share in (0.2, 0.6):

        async def far(share=share):
            return await events() * AT_ONCE >= CHANGES * share and source_runners()

        await wait_until(far, deadline_s=600)
        assert await events() * AT_ONCE < CHANGES, "the kill bites"
        for asked in source_runners():
            os.kill(asked, signal.SIGKILL)
            kills += 1

    async def seen():
        while await ticker.tick():
            pass
        rows = await works.rows("""
            select x.input_data -> 'rows' as rows from trigger_events e
            join executions x on x.organization_id = e.organization_id and x.id = e.execution_id order by e.position""")
        found = [one["after"]["id"] for row in rows for one in row.rows]
        return found if len(found) >= CHANGES else None

    assert await wait_until(seen, deadline_s=1_200) == list(range(CHANGES))
    assert kills >= 2
    print(f"\n{CHANGES:,} changes of MariaDB, reader killed {kills} times: each once, in order")
