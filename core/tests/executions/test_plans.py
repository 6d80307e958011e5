"""What is asked all the time does not get slower with history: no hot statement reads a growing table whole."""

from __future__ import annotations

import re

import psycopg
import pytest
import sqlalchemy as sa
from headrace.executions import compensation_statements as compensations
from headrace.executions import family_statements as families
from headrace.executions import queries, statements
from headrace.executions.leases import Doorbell, claim, events_json
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra import migrate
from headrace.infra.ids import new_id
from headrace.infra.queue_names import QUEUES

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))
GROWING = {
    "executions", "segment_runs", "segment_attempts", "node_executions", "execution_events", "execution_logs",
}  # fmt: skip
SEQ_SCAN = re.compile(r"Seq Scan on (\w+?)(?:_\d{4}_\d{2})?(?: |$)", re.MULTILINE)
PAST = (
    """insert into executions (organization_id, id, flow_id, definition_hash, segments_total, segments_open, status,
      queued_at, started_at, completed_at)
    select %(o)s, headrace_id_at(t), %(f)s, '', 1, 0, 'completed', t, t, t
    from generate_series(1, %(n)s) as n, lateral (select now() - make_interval(secs => n * 20.0) as t) t""",
    """insert into segment_runs (organization_id, execution_id, segment_no, status, deps_open, node_ids, queue, spec,
      attempt, fence, started_at, finished_at)
    select organization_id, id, 0, 'completed', 0, '["a"]', 'light', '{}', 1, nextval('fence_seq'), started_at,
      completed_at from executions where organization_id = %(o)s""",
    """insert into segment_attempts (organization_id, fence, execution_id, segment_no, attempt, worker_id, started_at,
      finished_at, outcome)
    select organization_id, fence, execution_id, 0, 1, execution_id, started_at, finished_at, 'completed'
    from segment_runs where organization_id = %(o)s""",
    """insert into node_executions (organization_id, execution_id, node_id, segment_no, status, attempt)
    select organization_id, execution_id, 'a', 0, 'completed', 1 from segment_runs where organization_id = %(o)s""",
    """insert into execution_logs (organization_id, execution_id, node_id, level, message)
    select organization_id, execution_id, 'a', 'info', 'said' from segment_runs where organization_id = %(o)s""",
)
ID_AT = """
create function pg_temp.headrace_id_at(t timestamptz) returns uuid language sql volatile as $$
  select (lpad(to_hex((extract(epoch from t) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || '8' || substr(md5(random()::text), 1, 15))::uuid $$
"""


def fill(urls, world, count: int) -> None:
    """So many executions of the past, one every 20 seconds, with what they left behind."""
    with psycopg.connect(urls.worker_url, autocommit=True) as worker:
        worker.execute(ID_AT)
        for statement in PAST:
            worker.execute(
                statement.replace("headrace_id_at", "pg_temp.headrace_id_at"),
                {"o": world.organization_id, "f": world.flow_id, "n": count},
            )
    migrate.upgrade(urls.owner_url)  # which moves them into months
    with psycopg.connect(urls.owner_url, autocommit=True) as owner:
        owner.execute("analyze")


def asked(world, execution_id, fence) -> dict[str, tuple[sa.TextClause, dict]]:
    """What is asked to accept, claim, keep, settle and find work, and by whoever looks at an execution."""
    key = {"organization_id": world.organization_id, "execution_id": execution_id}
    segment = {**key, "segment_no": 0}
    work = {"queues": list(QUEUES), "distributions": sorted(world.host.distributions)}
    again = {**segment, "error": None, "delay_s": 0.0, "crashes": 0, "errors": 0, "alone": False}
    bells = {"organization_id": world.organization_id, "executions": [execution_id], "segments": [0]}
    events = events_json([("x", {})])
    settled = {**bells, "status": "completed", "outputs": ["{}"], "error": None, "crashes": 0}
    span = {"first": execution_id, "last": execution_id}
    counted = {**bells, "ended": [1], "rows": [0], "rejected": [0], "events": [events]}
    leases = {"organizations": [world.organization_id], "executions": [execution_id], "segments": [0]}
    log = {**key, "after": 0, "limit": 100, "levels": None, "node_id": "a", "text": None}
    return {
        "claim": (statements.CLAIM, {**bells, **work, "worker_id": new_id(), "lease_s": 15.0}),
        "candidates": (statements.CANDIDATES, {**work, "limit": 10}),
        "heartbeat": (statements.HEARTBEAT, {**leases, "fences": [fence], "lease_s": 15.0}),
        "lock": (statements.LOCK, key),
        "held": (statements.HELD, {**bells, "fences": [fence], "expired": False}),
        "settle": (statements.SETTLE, settled),
        "again": (statements.AGAIN, again),
        "attempt ended": (
            statements.ATTEMPT_ENDED,
            {**bells, **span, "fences": [fence], "outcome": "completed", "rows": "[]"},
        ),
        "children": (statements.CHILDREN, {**key, "children": [1], "outputs": ["a.out"]}),
        "ring": (statements.RING, {**key, "segments": [0]}),
        "passed": (statements.PASSED, counted),
        "events of": (statements.EVENTS_OF, {**bells, **span, "afters": [0]}),
        "events": (statements.EVENTS, {**key, "events": events}),
        "events after": (statements.EVENTS_AFTER, {**key, "after": 0, "limit": 100}),
        "expired": (statements.EXPIRED, {}),
        "overdue": (statements.OVERDUE, {}),
        "ring again": (statements.RING_AGAIN, {"every_s": 3.0}),
        "look": (statements.LOOK, {"every_s": 3.0}),
        "ring worker": (queries.RING_WORKER, key),
        "mine": (statements.MINE, {**key, "segments": [0], "queues": work["queues"]}),
        "close": (
            statements.CLOSE,
            {**key, "closing": "cancelled", "status": "cancelled", "error": None, "error_message": None},
        ),
        "uncertain": (compensations.UNCERTAIN, {**key, "reason": "x"}),
        "forgotten": (families.FORGOTTEN, {}),
        "orphans": (families.ORPHANS, {}),
        "get": (queries.GET, key),
        "nodes": (queries.NODES, key),
        "states": (queries.SEGMENT_STATES, key),
        "logs": (queries.LOGS, log),
    }


async def scans(database, world, statements_of) -> dict[str, list[str]]:
    """Growing tables that a statement would read whole, by statement."""
    found = {}
    for name, (statement, values) in statements_of.items():
        async with database.transaction(world.organization_id) as session:
            explain = sa.text(f"EXPLAIN {statement.text}")
            plan = "\n".join(await session.scalars(explain, values))
        whole = sorted(set(SEQ_SCAN.findall(plan)) & GROWING)
        if whole:
            found[name] = [*whole, plan]
    return found


async def proof(world, worker_database, urls, count: int) -> None:
    fill(urls, world, count)
    execution_id = await world.start(ONE)
    await world.start(ONE)
    async with worker_database.transaction(world.organization_id) as session:
        held = await claim(
            session, Doorbell(world.organization_id, execution_id, 0), worker_id=new_id(), lease_s=600,
            distributions=sorted(world.host.distributions), queues=QUEUES,
        )  # fmt: skip
    found = await scans(worker_database, world, asked(world, execution_id, held.lease.fence))
    assert not found, "\n\n".join(f"{name}: {whole[:-1]}\n{whole[-1]}" for name, whole in found.items())


async def test_twenty_thousand_executions_of_the_past_are_never_read_whole(world, worker_database, database_urls):
    await proof(world, worker_database, database_urls, 20_000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_million_executions_of_the_past_are_never_read_whole(world, worker_database, database_urls):
    await proof(world, worker_database, database_urls, 1_000_000)


async def test_the_probe_sees_a_scan(world, worker_database, database_urls):
    fill(database_urls, world, 20_000)
    whole = sa.text("SELECT count(*) FROM node_executions WHERE rows_out = :rows")
    found = await scans(worker_database, world, {"bad": (whole, {"rows": 1})})
    assert found["bad"][0] == "node_executions"
