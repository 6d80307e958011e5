"""Files that arrive start their flow once each, whatever is killed meanwhile."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from headrace.connections import service as connections
from headrace.executions.invariants import check
from headrace.plugins.manager import load_plugins

PLUGINS = ["node-lab", "node-triggers", "plugin-engine_polars", "connector-local_files"]


@pytest.mark.slow
async def test_each_file_starts_one_execution_though_its_process_is_killed(
    works, lab, serving, ticker, worker_database, wait_until, source_runners, tmp_path, monkeypatch
):
    monkeypatch.setenv("HEADRACE_LOAD_PLUGINS", ",".join(PLUGINS))
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(lab))
    works.host = load_plugins(only=PLUGINS, strict=True)
    async with works.database.transaction(works.organization_id) as session:
        await connections.create(session, works.actor, works.vault, works.host.registry, name="files",
                                 connector="local_files", config={"root": "."})  # fmt: skip
    (tmp_path / "inbox").mkdir()
    config = {"connection": "files", "path": "inbox/*.csv", "first": "all", "every_seconds": 1, "settle_seconds": 0}
    await works.trigger("file", config)
    for _ in range(2):
        await serving(works)

    for number in range(300):
        (tmp_path / "inbox" / f"{number}.csv").write_text("x")
        if number % 100 == 50:
            await wait_until(_asked(source_runners))
            for pid in source_runners():
                os.kill(pid, signal.SIGKILL)

    async def all_started():
        while await ticker.tick():
            pass
        return len(await works.rows("select 1 from executions")) >= 300

    await wait_until(all_started)
    found = await works.rows("select input_data -> 'rows' -> 0 ->> 'name' as name from executions")
    assert Counter(row.name for row in found) == Counter(f"{number}.csv" for number in range(300))
    async with worker_database.transaction() as session:
        assert [violation.id for violation in await check(session)] == []


def _asked(source_runners):
    async def there():
        return source_runners()

    return there
