"""T-IDOR: who reaches what. An operation whose ids nobody knows how to make, and a route nobody has named, fail."""

from __future__ import annotations

import time
from zlib import crc32

from tests.sweeps import swept, whole
from tests.tenancy.matrix import Cell, Judge, admin_url, digests
from tests.tenancy.operations import Document
from tests.tenancy.things import side_of, unmakable

PARTS = 48
"""The default run takes another part of the cells each day,"""
ALWAYS = {("a stranger", "nobody"), ("viewer", "own"), ("owner", "other")}
"""and of every operation these, of one organization on the other or the other way round."""


def chosen(cell: Cell, turn: int, part: int | None) -> bool:
    if part is None:
        return True
    if (cell.principal, cell.owner) in ALWAYS and crc32(cell.operation.id.encode()) % 2 == (part + turn) % 2:
        return True
    return crc32(f"{cell.name} {turn}".encode()) % PARTS == part


async def judged(site, settings, *, part: int | None) -> tuple[Judge, Judge]:
    document = Document(site.app)
    assert unmakable(document) == [], "tell tests/tenancy/things.py how to make these"
    sides = [await side_of(site, "alphacanary"), await side_of(site, "betacanary")]
    judges = (Judge(site, document, *sides), Judge(site, document, *reversed(sides)))
    for turn, judge in enumerate(judges):
        before = digests(admin_url(settings), judge.theirs.organization_id)
        for cell in judge.cells():
            if chosen(cell, turn, part):
                await judge.judge(cell)
        after = digests(admin_url(settings), judge.theirs.organization_id)
        judge.wrong += [
            f"{name} of the other organization has changed" for name in before if before[name] != after[name]
        ]
    return judges


@swept(PARTS)
async def test_every_cell_is_as_the_rule_says(site, headrace_settings, told, part):
    started = time.monotonic()
    judges = await judged(site, headrace_settings, part=part)
    cells, wrong = sum(judge.counted.total() for judge in judges), [one for judge in judges for one in judge.wrong]
    leaks = sum(judge.leaks for judge in judges)
    which = "all" if part is None else f"those of every day, and part {part} of {PARTS}"
    told(
        f"tenancy: {cells} cells ({which}), {leaks} leaks, {len(wrong)} wrong, {time.monotonic() - started:.0f} s",
        **whole(part, cells=cells, cells_leaking=leaks, cells_wrong=len(wrong)),
    )
    assert not wrong, "\n".join(wrong[:60])
    assert cells > (10_000 if part is None else 900)
