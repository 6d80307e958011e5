"""What a campaign came to: lost, stuck, double, effects, invariants. It believes the tables and the ledger only."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from datetime import datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from headrace.executions.invariants import check
from headrace.infra.database import Database
from msgspec import Struct

TERMINAL = frozenset({"completed", "failed", "cancelled", "timed_out"})
_EXECUTIONS = sa.text("SELECT id, status, error ->> 'code' AS code FROM executions")
_DOUBLE = sa.text("""
SELECT count(*) FROM (SELECT 1 FROM segment_attempts WHERE outcome = 'completed'
GROUP BY organization_id, execution_id, segment_no HAVING count(*) > 1) twice
""")
_ATTEMPTS = sa.text("""
SELECT coalesce(outcome, 'open') AS outcome, count(*) AS n, sum(stale_reports) AS stale FROM segment_attempts GROUP BY 1
""")
_POSTS = sa.text("""
SELECT n.execution_id || ':' || (n.node_ids ->> 0) AS effect, n.status, x.status AS whole FROM segment_runs n
JOIN executions x ON x.organization_id = n.organization_id AND x.id = n.execution_id
WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(n.spec -> 'graph' -> 'nodes') g WHERE g ->> 'type' = 'lab.post')
""")
_RECOVERED = sa.text("""
SELECT extract(epoch FROM n.started_at - CAST(:at AS timestamptz)) AS took FROM workers w
JOIN segment_attempts a ON a.worker_id = w.id AND a.outcome = 'lease_expired'
  AND a.started_at < :at AND a.finished_at > :at
JOIN segment_attempts n ON n.organization_id = a.organization_id AND n.execution_id = a.execution_id
  AND n.segment_no = a.segment_no AND n.attempt = a.attempt + 1
WHERE w.pid = :pid
""")


class Report(Struct, kw_only=True):
    """Counts of one campaign. `wrong` says what must not be; empty is passed."""

    statuses: dict[str, int]
    attempts: dict[str, int]
    stale: int
    lost: int
    stuck: int
    double_successes: int
    effects: int
    effects_missing: int
    effects_double: int
    repeats_absorbed: int
    crash_budget: int
    wrong: list[str]


def open_ledger(path: Path) -> None:
    """Make the database of the sinks."""
    with contextlib.closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("pragma journal_mode = wal")
        ledger.execute("create table ledger (key text primary key)")
        ledger.execute("create table effects (effect text, rows integer)")
        ledger.execute("create table repeats (effect text)")


async def recoveries(database: Database, kills: list[tuple[datetime, int]]) -> list[float]:
    """Seconds from the kill of a worker to the next attempt at each segment that it held."""
    async with database.transaction() as session:
        return [
            float(row.took) for at, pid in kills for row in await session.execute(_RECOVERED, {"at": at, "pid": pid})
        ]


async def examine(database: Database, accepted: list[UUID], ledger: Path, *, bites: bool) -> Report:
    """Look at everything once nothing moves any more."""
    async with database.transaction() as session:
        found = {row.id: row for row in await session.execute(_EXECUTIONS)}
        double = int(await session.scalar(_DOUBLE) or 0)
        attempts = (await session.execute(_ATTEMPTS)).all()
        posts = (await session.execute(_POSTS)).all()
        violations = await check(session)
    with contextlib.closing(sqlite3.connect(ledger)) as target:
        effects = Counter(row[0] for row in target.execute("select effect from effects"))
        repeats = target.execute("select count(*) from repeats").fetchone()[0]
    stuck = [one for one, row in found.items() if row.status not in TERMINAL]
    missing = [p.effect for p in posts if p.status == "completed" and not effects[p.effect]]
    report = Report(
        statuses=Counter(row.status for row in found.values()),
        attempts={row.outcome: row.n for row in attempts}, stale=int(sum(row.stale for row in attempts)),
        lost=len(set(accepted) - found.keys()), stuck=len(stuck), double_successes=double,
        effects=effects.total(), effects_missing=len(missing),
        effects_double=sum(n > 1 for n in effects.values()), repeats_absorbed=repeats,
        crash_budget=sum(row.code == "WORKER_CRASHED" for row in found.values()), wrong=[],
    )  # fmt: skip
    foreign = effects.keys() - {post.effect for post in posts}
    other = [
        one for one, row in found.items() if row.status in {"failed", "timed_out"} and row.code != "WORKER_CRASHED"
    ]
    for what, places in (
        ("accepted executions lost", range(report.lost)), ("executions stuck", stuck),
        ("segments that succeeded twice", range(double)), ("effects missing", missing),
        ("effects twice", range(report.effects_double)), ("effects of nobody", foreign),
        ("executions that failed for another reason than crashes", other),
    ):  # fmt: skip
        if places:
            report.wrong.append(f"{len(places)} {what}")
    report.wrong += [f"{v.id} {v.rule}: {len(v.places)}, e.g. {v.places[0]}" for v in violations]
    if bites and not report.stale:
        report.wrong.append("no stale report was refused: the campaign did not bite")
    return report
