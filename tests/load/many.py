"""Many executions: at once, one after the other, and cancelled."""

from __future__ import annotations

import asyncio
import time

from tests.load import cpu, flows
from tests.load.figures import Figures
from tests.load.service import serving
from tests.load.site import PAUSE, RESUME, Seen, Site, measured

LATENCY = """
SELECT extract(epoch FROM started_at - queued_at)::double precision AS s FROM executions WHERE started_at IS NOT NULL
"""
CANCELLED = """
SELECT extract(epoch FROM completed_at - cancel_requested_at)::double precision AS s FROM executions
WHERE status = 'cancelled'
"""


def concurrent(figures: Figures, scale: float) -> list[str]:
    """Executions with two calls, a durable delay and two transforms, all accepted at once."""
    many, delay_s = max(8, int(1_000 * scale)), 60 if scale >= 1 else 5 if scale > 0.1 else 1

    async def work(site: Site) -> None:
        async with serving() as (address, service):
            flow = await site.bring_in(flows.calls(address, delay_s=delay_s))
            began = time.monotonic()
            await site.accept(flow, many)
            accepted_s = time.monotonic() - began
            seen = await site.until_ended()
        figures.say("executions", "executions accepted", "executions", many)
        figures.say("accept", "accepted, each", "ms", accepted_s / many * 1000)
        figures.say("at_once", "running at once, most", "executions", seen.running)
        figures.say("calls", "calls answered", "calls", service.asked)
        figures.say("calls_at_once", "calls open at once, most", "calls", service.most)
        figures.say("start", "accepted to started", "s", *[row.s for row in await site.rows(LATENCY)])
        _ended(figures, seen, many)

    return measured(work, HEADRACE_WORKER_WAITING="128")


def drain(figures: Figures, scale: float) -> list[str]:
    """Executions of ten steps, accepted while the queues are paused, then drained."""
    many = max(20, int(10_000 * scale))

    async def work(site: Site) -> None:
        flow = await site.bring_in(flows.small(10))
        await site.do(PAUSE)
        began = time.monotonic()
        await site.accept(flow, many)
        figures.say("accept", "accepted, each", "ms", (time.monotonic() - began) / many * 1000)
        before = cpu.used()
        await site.do(RESUME)
        seen = await site.until_ended()
        figures.cpu(cpu.used() - before, many, "execution")
        figures.say("per_node", "per node", "ms", seen.took_s / many / 10 * 1000)
        _ended(figures, seen, many)

    return measured(work)


def cancel(figures: Figures, scale: float) -> list[str]:
    """Waves of executions that read page after page; each is cancelled while it does."""
    many, wave = max(8, int(1_000 * scale)), max(8, int(100 * min(1, scale * 10)))

    async def work(site: Site) -> None:
        seen = Seen()
        async with serving() as (address, _):
            flow = await site.bring_in(flows.endless(address))
            for _ in range(0, many, wave):
                started = await site.accept(flow, wave)
                await _until_running(site, wave)
                await asyncio.gather(*map(site.cancel, started))
                after = await site.until_ended(every_s=0.1)
                seen.took_s += after.took_s
                seen.connections, seen.failed = max(seen.connections, after.connections), after.failed
        stopped = [row.s for row in await site.rows(CANCELLED)]
        figures.say("cancelled", "cancelled while running", "executions", len(stopped))
        figures.say("stopped", "acknowledged to stopped", "s", *stopped)
        figures.say("failed", "failed", "executions", seen.failed)
        figures.say("connections", "PostgreSQL connections, most", "connections", seen.connections)

    return measured(work, HEADRACE_WORKER_WAITING=str(wave))


async def _until_running(site: Site, many: int) -> None:
    async with asyncio.timeout(120):
        while True:
            (row,) = await site.rows("SELECT count(*) AS n FROM segment_runs WHERE status = 'running'")
            if row.n >= many:
                return
            await asyncio.sleep(0.1)


def _ended(figures: Figures, seen: Seen, many: int) -> None:
    figures.say("rate", "executions ended", "executions/s", many / seen.took_s)
    figures.say("failed", "failed", "executions", seen.failed)
    figures.say("connections", "PostgreSQL connections, most", "connections", seen.connections)
