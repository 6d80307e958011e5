"""The pool of runners: none is forgotten, however organizations take turns."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID

from headrace.worker.pool import RunnerPool

A, B = UUID(int=1), UUID(int=2)


def children() -> set[int]:
    """Processes that this one has started and that live."""
    here = Path(f"/proc/{os.getpid()}/task")
    found = {int(pid) for task in here.iterdir() for pid in (task / "children").read_text().split()}
    return {pid for pid in found if " Z " not in Path(f"/proc/{pid}/stat").read_text()}


async def test_runners_that_were_started_while_others_came_and_went_are_known(tmp_path):
    before = children()
    pool = RunnerPool(2, tmp_path, reserve=1)
    pool.warm_up()

    async def work(organization_id: UUID, *, times: int, rest_s: float) -> None:
        for _ in range(times):
            async with pool.alone(organization_id):
                await asyncio.sleep(0.05)
            await asyncio.sleep(rest_s)

    await asyncio.gather(
        work(A, times=60, rest_s=0), work(A, times=60, rest_s=0), work(B, times=10, rest_s=0.3)
    )  # fmt: skip
    while pool._starting:
        await asyncio.wait(pool._starting)
    at_most = pool.size + 2  # the one that has served nobody, and one that was being replaced
    assert len(children() - before) <= at_most
    await pool.close()
    assert children() - before == set()
