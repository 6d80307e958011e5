"""A gigabyte: rows of it go through a worker, and a body of it to the API, in a small part of that memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.site import step

GIB = 2**30
BLOCK = b"".join(b"%d,%s,%d\n" % (n, b"x" * 60, n * 7) for n in range(14_000))


def held(pid: int) -> int:
    """Bytes of memory that a process has for itself: pages of files that it reads do not count."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024
    return 0


async def most(site, task: asyncio.Task) -> int:
    """What any process of the stack held at most while the task went on."""
    found = 0
    while not task.done():
        pids = [member.pid for member in site.stack.members]
        pids += [pid for worker in site.stack.workers for pid in worker.runners()]
        found = max([found, *(held(pid) for pid in pids if pid)])
        await asyncio.sleep(0.1)
    task.result()
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_gigabyte_of_rows_goes_through_a_small_part_of_that_memory(site, record_property):
    """F33: read, changed and written; beside it another flow completes."""
    with (site.folder / "big.csv").open("wb") as file:
        file.write(b"id,text,amount\n")
        while file.tell() < GIB:
            file.write(BLOCK)
    name = f"Big {site.folder.name}"
    await site.post("/connections", {"name": name, "connector": "local_files", "config": {"root": str(site.folder)}})
    flow = await site.flow(
        step("read", "local_files.read", {"connection": name, "stream": "big.csv"}),
        step("twice", "transform.derive", {"columns": [{"name": "twice", "expression": "amount * 2"}]}),
        step("write", "local_files.write", {"connection": name, "stream": "big.parquet", "mode": "overwrite"}),
    )
    large = await site.start(flow)
    beside = await site.start(await site.gated())
    watched = asyncio.create_task(site.ended(large, within_s=400))
    peak = await most(site, watched)
    assert watched.result()["status"] == "completed", watched.result()["error"]
    assert watched.result()["rows_processed"] > 14_000_000
    assert (await site.ended(beside))["status"] == "completed"
    assert peak < 0.75 * GIB, f"{peak:,} bytes"
    title = "A gigabyte of rows read, changed and written: memory of any process, at most"
    record_property("figure", ("gigabyte_rows", title, "MiB", [peak / 2**20]))


@pytest.mark.slow
async def test_a_gigabyte_of_a_body_is_refused_and_not_held(site, record_property):
    """F33: whether its length is said or not."""
    flow = await site.gated()
    hook = await site.post("/webhooks", {"flow_id": flow, "authentication": "none"})
    before = held(site.stack.apis[0].pid)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield b" " * 2**20

    async def send() -> list[int]:
        codes = []
        for path in (f"/api/v1/flows/{flow}/execute", hook["url"]):
            answer = await site.client.post(path, content=endless(), headers={"content-type": "application/json"})
            codes.append(answer.status_code)
        return codes

    sent = asyncio.create_task(send())
    peak = await most(site, sent)
    assert sent.result() == [413, 413]
    assert peak - before < 0.25 * GIB, f"{peak:,} bytes"
    assert (await site.ended(await site.start(flow)))["status"] == "completed"
    title = "A body of a gigabyte refused: memory of the API above before, at most"
    record_property("figure", ("gigabyte_body", title, "MiB", [max(0.0, (peak - before) / 2**20)]))
