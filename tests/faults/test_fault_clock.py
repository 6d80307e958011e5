"""Clocks of machines jump; the database's decides, so no lease is early or late and no instant is twice or missing."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.faults.site import until

LIBRARIES = [Path(f"/usr/lib/{arch}/faketime/libfaketimeMT.so.1") for arch in ("x86_64-linux-gnu", "aarch64-linux-gnu")]


@pytest.fixture
def shifted(stack):
    """Starts a member whose clock is off; ends it."""
    library = next((path for path in LIBRARIES if path.exists()), None)
    if library is None:
        pytest.skip("no libfaketime; install the package libfaketime to move clocks")
    members = []

    def start(kind: str, number: int, by: str):
        env = {"LD_PRELOAD": str(library), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        members.append(stack.member(kind, number, **env))
        members[-1].start()
        return members[-1]

    yield start
    for member in members:
        member.end()


@pytest.mark.slow
@pytest.mark.parametrize("by", ["+3600", "-3600"])
async def test_a_worker_whose_clock_is_off_keeps_its_leases(site, shifted, by):
    """F22: it claims, beats and completes as the others do."""
    for worker in site.stack.workers:
        worker.kill()
    odd = shifted("worker", 7, by)
    try:
        flow = await site.gated(gate={"takes_s": 3})
        execution = await site.start(flow)
        assert (await site.ended(execution))["status"] == "completed"
        assert await site.attempts(execution) == ["completed"] * 3
        assert odd.pid
    finally:
        for worker in site.stack.workers:
            worker.start()


@pytest.mark.slow
async def test_schedulers_whose_clocks_are_off_fire_each_instant_once(site, shifted):
    """F22: an hour before and an hour after, with one that is right."""
    flow = await site.gated()
    shifted("scheduler", 8, "+3600")
    shifted("scheduler", 9, "-3600")
    made = await site.post("/schedules", {"flow_id": flow, "type": "interval", "expression": "1s"})

    async def ticks():
        query = "select fire_at, execution_id, created_at from trigger_ticks where trigger_id = :id order by fire_at"
        found = await site.rows(query, id=made["id"])
        return found if len(found) >= 5 else None

    found = await until(ticks)
    answer = await site.client.delete(f"/api/v1/schedules/{made['id']}")
    assert answer.status_code in {200, 204}, answer.text
    gaps = [(b.fire_at - a.fire_at).total_seconds() for a, b in itertools.pairwise(found)]
    assert set(gaps) == {1.0}, "an instant is missing or doubled"
    assert all(row.created_at >= row.fire_at for row in found), "an instant fired before its time"
    assert len({row.execution_id for row in found}) == len(found)
