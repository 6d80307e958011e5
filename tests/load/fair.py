"""How long an organization waits for a start while another floods the install, beside how long it waits alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.flows.text import FlowText
from msgspec import Struct

from tests.load import flows
from tests.load.figures import Figures, quantile
from tests.load.service import serving
from tests.load.site import PAUSE, RESUME, Flow, Site, measured

PROVES = 0.05
"""The scale from which a flood outlasts the measurement."""
WARM_UP = 5
SETTLES_S = 2.0
_STARTS = """
SELECT x.id, extract(epoch FROM x.started_at - x.queued_at)::double precision * 1000 AS claimed,
  extract(epoch FROM min(n.started_at) - x.queued_at)::double precision * 1000 AS began
FROM executions x JOIN node_executions n ON n.organization_id = x.organization_id AND n.execution_id = x.id
WHERE x.id = ANY(CAST(:ids AS uuid[])) GROUP BY x.organization_id, x.id
"""
_LEFT = sa.text("""
SELECT count(*) FROM executions WHERE organization_id = :organization_id
  AND status IN ('queued', 'running', 'waiting')
""")


class Flood(Struct, frozen=True, kw_only=True):
    """What one organization asks for, how often, and what the other asks for meanwhile."""

    name: str
    title: str
    many: int
    flow: FlowText
    victim: FlowText


def fair(figures: Figures, scale: float) -> list[str]:
    """Short flows, long flows, and flows that wait, each as a flood; beside it, one start after the other."""
    samples, wrong = max(5, int(40 * min(1, scale * 4))), []

    async def work(site: Site) -> None:
        async with serving() as (address, _), site.another(await _organization(site)) as victim:
            for flood in _floods(address, scale):
                left = await _compare(figures, site, victim, flood, samples)
                if not left and scale >= PROVES:
                    wrong.append(f"the {flood.title} were over before the measurement; nothing was proven")

    return [*measured(work), *wrong]


def _floods(address: str, scale: float) -> list[Flood]:
    small, call = flows.small(2), flows.call(address)
    return [
        Flood(name="short", title="short flows", many=max(30, int(5_000 * scale)), flow=flows.small(10), victim=small),
        Flood(name="long", title="long flows", many=max(4, int(200 * scale)), flow=flows.busy(), victim=small),
        Flood(name="waits", title="flows that wait", many=max(40, int(500 * scale)), flow=flows.endless(address),
              victim=call),
    ]  # fmt: skip


async def _organization(site: Site) -> UUID:
    async with site.database.transaction() as session:
        return (await accounts.create_organization(session, name="Victim")).id


async def _compare(figures: Figures, site: Site, victim: Site, flood: Flood, samples: int) -> int:
    """Say both, and how they compare. Returns how many of the flood were left after it."""
    asked, theirs = await victim.bring_in(flood.victim), await site.bring_in(flood.flow)
    await _starts(victim, asked, WARM_UP)
    alone = await _starts(victim, asked, samples)
    await site.do(PAUSE)
    started = await site.accept(theirs, flood.many)
    await site.do(RESUME)
    await asyncio.sleep(SETTLES_S)
    beside = await _starts(victim, asked, samples)
    left = await _left(site)
    for what, title in (("claimed", "accepted to claimed"), ("began", "accepted to begun")):
        figures.say(f"{flood.name}_alone_{what}", f"{title}, alone", "ms", *alone[what])
        figures.say(f"{flood.name}_{what}", f"{title}, beside {flood.many:,} {flood.title}", "ms", *beside[what])
        for q in (0.5, 0.95):
            ratio = quantile(beside[what], q) / quantile(alone[what], q)
            figures.say(f"{flood.name}_{what}_ratio_p{q * 100:.0f}", f"{title}, ratio of p{q * 100:.0f}", "x", ratio)
    figures.say(f"{flood.name}_left", f"{flood.title} left after it", "executions", left)
    for execution_id in started:
        await site.cancel(execution_id)
    seen = await site.until_ended()
    figures.say("failed", "failed", "executions", seen.failed)
    figures.say("connections", "PostgreSQL connections, most", "connections", seen.connections)
    return left


async def _starts(victim: Site, flow: Flow, samples: int) -> dict[str, Sequence[float]]:
    """Milliseconds from accepted to claimed, and to its first step; one execution after the other."""
    ids = []
    for _ in range(samples):
        ids += await victim.accept(flow)
        await victim.until(ids[-1])
    rows = await victim.rows(_STARTS, ids=ids)
    return {"claimed": [row.claimed for row in rows], "began": [row.began for row in rows]}


async def _left(site: Site) -> int:
    where = {"organization_id": (await site.actor()).organization_id}
    async with site.watch.transaction() as session:
        return int(await session.scalar(_LEFT, where) or 0)
