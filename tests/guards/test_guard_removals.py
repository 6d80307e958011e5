"""T-GUARD: each guard is taken away once, and something notices; a removal that nobody notices fails."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.guards import guests
from tests.guards.removals import REMOVALS as ONE_BY_ONE
from tests.guards.stage import staged
from tests.guards.tables import WAYS, eyes, without
from tests.sweeps import of_part, swept, whole
from tests.tenancy.matrix import Cell, Judge, admin_url, digests

REMOVALS = (*ONE_BY_ONE, *guests.REMOVALS)


@swept()
async def test_every_guard_of_the_code_is_missed(site, headrace_settings, told, part):
    stage = await staged(site, headrace_settings)
    assert guests.scoped(stage) == guests.LINES.keys(), "say in tests/guards/guests.py what a guest asks there"
    assert len({removal.guard for removal in REMOVALS}) == len(REMOVALS)
    removals = of_part(part, REMOVALS, lambda one: one.guard)
    standing = {removal.guard: wrong for removal in removals if (wrong := await removal.look(stage))}
    assert not standing, f"these look wrong while their guard stands: {standing}"
    unnoticed = []
    for removal in removals:
        with pytest.MonkeyPatch.context() as patch:
            removal.take(patch, stage)
            if not await removal.look(stage):
                unnoticed.append(removal.guard)
    told(
        f"guards of the code: {len(removals)} taken away, {len(removals) - len(unnoticed)} noticed",
        **whole(part, guards=len(removals), guards_unnoticed=len(unnoticed)),
    )
    assert not unnoticed


async def test_row_level_security_is_missed_on_every_table(site, headrace_settings, told):
    stage = await staged(site, headrace_settings)
    with eyes(stage, headrace_settings) as looking:
        assert [table for table in looking.rows if looking.wrong(table)] == []
        unnoticed = []
        for table in looking.rows:
            for way in WAYS:
                with without(looking.admin, table, way):
                    if not looking.wrong(table):
                        unnoticed.append(f"{table}: {way}")
        filled = sum(has for _, has in looking.rows.values())
    tried = len(looking.rows) * len(WAYS)
    told(
        f"row-level security: {tried} taken away from {len(looking.rows)} tables, {tried - len(unnoticed)} noticed "
        f"({filled} tables by their rows, {len(looking.rows) - filled} by the catalogue)",
        row_level_security=tried,
        row_level_security_unnoticed=len(unnoticed),
    )
    assert not unnoticed


@pytest.mark.slow
async def test_the_statements_alone_keep_organizations_apart(site, headrace_settings, told):
    """Both layers hold by themselves: here row-level security is away from all tables at once."""
    stage = await staged(site, headrace_settings)
    judge = Judge(site, stage.document, stage.mine, stage.theirs)
    before = digests(admin_url(headrace_settings), stage.theirs.organization_id)
    with psycopg.connect(admin_url(headrace_settings), autocommit=True) as admin:
        for table in before:
            admin.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    for operation in stage.document.operations:
        await judge.judge(Cell(operation, "owner", "other" if operation.ids else "own"))
    cells = judge.counted.total()
    told(
        f"without row-level security: {cells} cells of an owner, {judge.leaks} leaks",
        cells_without_row_level_security=cells,
        cells_without_row_level_security_leaking=judge.leaks,
    )
    assert not judge.wrong, "\n".join(judge.wrong)
    assert digests(admin_url(headrace_settings), stage.theirs.organization_id) == before
