"""Write executions: one, or the children of a step, held where their slots are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.segments import Plan
from headrace.executions import family_statements as families
from headrace.executions import queries
from headrace.executions.leases import as_json
from headrace.executions.partial import Part
from headrace.executions.spec import LIMITS, Limits, children_of, spec_of
from headrace.flows.graph import NEVER, Retry

ATTENDED = frozenset({"manual", "test"})
"""Triggers that a person waits for: what fails for a moment is shown at once, unless a node asks for retries."""
_DEFAULTS: dict[str, Any] = {
    "version": None, "environment": "development", "mode": "flow", "target_node_id": None, "observe": "borders",
    "trigger_type": "manual", "triggered_by": None, "job_id": None, "parent_execution_id": None, "attempt": 1,
    "priority": 0, "data_interval_start": None, "data_interval_end": None, "idempotency_key": None,
    "deadline_s": None, "parent_segment_no": None, "item_no": None, "depth": 0, "held": False,
    "reuse": False, "row_limit": None, "request_hash": None,
    "share": 1,
}  # fmt: skip
_JSON: dict[str, Any] = {"params": {}, "input_data": {}, "details": {}, "handlers": {}}


class Slot(Struct, frozen=True):
    """At most `capacity` executions with the same key are open at a time; the others are held, in order."""

    key: str
    capacity: int


def rows_of(
    plan: Plan, part: Part, trigger_type: str, queue: str = "", limits: Limits = LIMITS
) -> list[dict[str, Any]]:
    """Segments of a plan as `queries.SEGMENTS` takes them; all on one `queue`, or each on its own."""
    children = children_of(plan)
    retry = NEVER if trigger_type in ATTENDED else Retry()
    return [
        {
            "no": segment.no, "children": children[segment.no], "depends_on": segment.depends_on,
            "inputs": segment.inputs, "node_ids": segment.node_ids, "queue": queue or segment.queue,
            "plugins": segment.plugins, "needed": segment.needed,
            "spec": spec_of(plan, segment, part, retry=retry, limits=limits),
        }
        for segment in plan.segments
    ]  # fmt: skip


def row_of(organization_id: UUID, execution_id: UUID, *, segments: int, **fields: Any) -> dict[str, Any]:
    """An execution as `queries.CREATE` takes it; what is not given is the default."""
    given = _DEFAULTS | _JSON | fields
    texts = {name: as_json(given[name]) for name in _JSON}
    return given | texts | {"organization_id": organization_id, "id": execution_id, "segments": segments}


async def hold_if_full(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, slots: Sequence[Slot], priority: int
) -> bool:
    """Take the execution's slots, or hold it until they are free. Returns whether it is held."""
    if not slots:
        return False
    given = {"organization_id": organization_id, "execution_id": execution_id, "slots": as_json(slots)}
    await session.execute(families.LOCK_KEYS, {"keys": [f"{organization_id}:{slot.key}" for slot in slots]})
    held = bool(await session.scalar(families.FULL, given))
    await session.execute(families.TAKE, {**given, "taken": not held, "priority": priority})
    if held:
        await session.execute(families.HOLD, given)
    return held


async def create_one(session: AsyncSession, row: dict[str, Any], segments: Sequence[dict[str, Any]]) -> None:
    """Write an execution that nobody has to wait for; it may be claimed once this is committed."""
    await session.execute(queries.CREATE, row)
    key = {"organization_id": row["organization_id"], "execution_id": row["id"]}
    await session.execute(queries.SEGMENTS, {**key, "rows": as_json(segments)})
    await ring_ready(session, key)


async def ring_ready(session: AsyncSession, key: Mapping[str, Any], *, of: UUID | None = None) -> None:
    """Ring for what is ready of a new execution: a worker at once, or through the outbox when others wait as well.

    Args:
        session: The transaction that has written it.
        key: The execution.
        of: The flow that is told of it.
    """
    touched = (queries.TOUCH_AND_RING, {**key, "flow_id": of}) if of else (queries.RING_WORKER, key)
    rung = (await session.execute(*touched)).one()
    if rung.others:
        await session.execute(queries.RING_READY, key)


async def create_children(
    session: AsyncSession, organization_id: UUID, children: Sequence[dict[str, Any]],
    segments: Sequence[Sequence[dict[str, Any]]], slot: Slot,
) -> None:  # fmt: skip
    """Write children of one step; the first `slot.capacity` may be claimed once this is committed."""
    await session.execute(queries.CREATE, list(children))
    keys = [{"organization_id": organization_id, "execution_id": child["id"]} for child in children]
    await session.execute(
        queries.SEGMENTS, [{**key, "rows": as_json(rows)} for key, rows in zip(keys, segments, strict=True)]
    )
    taken = [
        {**key, "slots": as_json([slot]), "taken": not child["held"], "priority": child["priority"]}
        for key, child in zip(keys, children, strict=True)
    ]
    await session.execute(families.TAKE, taken)
    begins = [key for key, child in zip(keys, children, strict=True) if not child["held"]]
    if begins:
        await session.execute(queries.RING_READY, begins)
