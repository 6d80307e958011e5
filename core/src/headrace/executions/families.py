"""Executions that belong to a step of another one: the items of a loop, a sub-flow, what is done after a failure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import identity
from headrace.engine.segments import compile_plan
from headrace.executions import admission, compensation
from headrace.executions import family_statements as sql
from headrace.executions.create import Slot, create_children, row_of, rows_of
from headrace.executions.leases import Claim, Lease, as_json
from headrace.executions.partial import Part
from headrace.flows.graph import FlowGraph
from headrace.flows.references import taken
from headrace.infra.ids import new_id
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.waiting import Child, Children, Item, Resumed, Wait

DEPTH_MAX = 10
ITEMS_MAX = 100_000
CHUNK = 250
"""Items that are written in one transaction: others do not wait for it, and little is lost with it."""


class OtherFlow(Struct, frozen=True):
    """A flow that is called: its id, its definition, the number and hash of its version."""

    flow_id: UUID
    graph: FlowGraph
    definition_hash: str
    version: int | None


Loader: TypeAlias = Callable[[AsyncSession, UUID, str, int | None, UUID], Awaitable[OtherFlow]]
"""Finds a flow of an organization by name or id, and version; the last is the flow that calls."""


class _Target(Struct, frozen=True):
    """What each child executes."""

    part: Part
    results: tuple[str, ...]
    flow_id: UUID
    definition_hash: str
    version: int | None
    mode: str


class Begun(Struct, frozen=True, kw_only=True):
    """Children that are written so far.

    Attributes:
        told: What the segment remembers.
        many: How many it waits for.
        more: Whether there are items for another transaction; the segment is not parked yet.
        late: Whether some were started before this transaction, and may have ended; it holds the lock of the family.
    """

    told: dict[str, Any]
    many: int
    more: bool = False
    late: bool = False


async def begin(session: AsyncSession, claim: Claim, wait: Children, registry: Registry, load: Loader) -> Begun:
    """Start the next `CHUNK` of the children that a step asked for, in the caller's transaction.

    How far it came is kept with them: whoever executes the step after a crash goes on there.

    Raises:
        ConfigError: there is no such flow, or the flows call each other too deeply.
        FeatureOff: the flow has a step of a feature that the edition has not got.
        DataError: there are too many items, or others than before a crash.
    """
    lease = claim.lease
    if len(wait.items) > ITEMS_MAX:
        raise DataError(f"{len(wait.items):,} items are too many; {ITEMS_MAX:,} are the most: take them in batches")
    parent = (await session.execute(sql.PARENT, lease.execution)).one()
    if parent.depth >= DEPTH_MAX:
        raise ConfigError(f"flows call each other more than {DEPTH_MAX} deep; is there one that calls itself?")
    at = await _far(session, lease, wait)
    first = at["first"]
    target = await _target(session, claim, wait, registry, load, parent)
    whole, wanted = compensation.parted(target.part, registry)
    plan = compile_plan(whole.graph, registry, keep={*target.results, *wanted}, taken=whole.taken, whole=whole.whole)
    if not plan.segments:
        raise ConfigError("there is no step inside; put at least one there, or remove the loop")
    policy = await admission.policy_for(session, lease.organization_id, target.flow_id)
    before = await _results(session, lease, target.results, first - 1) if first else []
    items = wait.items[at["next"] : at["next"] + CHUNK]
    inputs = [_input(claim, item, before) for item in items]
    marks = [_mark(item, ref, target) for item, ref in zip(items, inputs, strict=True)]
    kept = await _keep(session, claim, marks, first + at["next"], parent.depth + 1)
    children: list[dict[str, Any]] = []
    segments: list[list[dict[str, Any]]] = []
    for number, (item, ref, mark) in enumerate(zip(items, inputs, marks, strict=True), at["next"]):
        if mark in kept:
            continue
        given = {**whole.given, **({f"{e.source}.{e.source_port}": ref for e in whole.entering} if ref else {})}
        part = msgspec.structs.replace(whole, given=given, entering=whole.entering if ref else ())
        children.append(
            row_of(
                lease.organization_id, new_id(), segments=len(plan.segments), flow_id=target.flow_id,
                definition_hash=target.definition_hash, version=target.version, mode=target.mode,
                plugin_set_hash=parent.plugin_set_hash, environment=parent.environment, observe="borders",
                trigger_type="flow", triggered_by=parent.triggered_by, priority=parent.priority,
                share=parent.share,
                parent_execution_id=lease.execution_id, parent_segment_no=lease.segment_no, item_no=first + number,
                depth=parent.depth + 1, params={**parent.params, **item.params}, details={"item": mark},
                held=at["many"] + len(children) >= wait.parallel, deadline_s=wait.deadline_s,
            )
        )  # fmt: skip
        segments.append(rows_of(plan, part, parent.trigger_type, policy.queue, policy.limits))
    slot = Slot(f"items:{lease.execution_id}:{lease.segment_no}:{first}", wait.parallel)
    if children:
        await create_children(session, lease.organization_id, children, segments, slot)
    if at["next"]:  # those before may have ended already, and let nobody in
        names = (slot.key, f"family:{lease.execution_id}:{lease.segment_no}")
        await session.execute(sql.LOCK_KEYS, {"keys": [f"{lease.organization_id}:{name}" for name in names]})
        where = {"organization_id": lease.organization_id, "key": slot.key, "most": wait.parallel}
        await session.execute(sql.ADMIT, where)
    told: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(wait, items=()))
    told |= {"first": first, "names": target.results}
    far = {**at, "next": at["next"] + len(items), "many": at["many"] + len(children)}
    more = far["next"] < len(wait.items)
    if more:
        await session.execute(sql.BEGINS, {**lease.key, "parked": as_json({**told, "begins": far})})
    return Begun(told=told, many=far["many"], more=more, late=at["next"] > 0)


async def _far(session: AsyncSession, lease: Lease, wait: Children) -> dict[str, Any]:
    """Where to go on with the items: `first` of all, `next` of these, how `many` were started, what they are."""
    if len(wait.items) <= CHUNK:
        return {"first": int(await session.scalar(sql.ITEMS, lease.key) or 0), "next": 0, "many": 0}
    digest = hashlib.sha256(msgspec.json.encode(wait.items)).hexdigest()
    parked: dict[str, Any] | None = await session.scalar(sql.PARKED, lease.key)
    begins: dict[str, Any] | None = (parked or {}).get("begins")
    if begins is None:
        first = int(await session.scalar(sql.ITEMS, lease.key) or 0)
        return {"first": first, "next": 0, "many": 0, "items": digest, "before": parked}
    if begins["items"] != digest:
        raise DataError("the items are not the same as before the worker was lost; execute the flow again")
    return begins


def waited(parked: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a segment has waited for, from what it remembers; while its items are being started, what was before."""
    return parked["begins"]["before"] if parked and "begins" in parked else parked


def _mark(item: Item, ref: FrameRef | None, target: _Target) -> str:
    """What an item is known by: its parameters, its rows, and the flow that is called."""
    called = target.definition_hash if target.mode == "flow" else ""
    facts: list[Any] = [item.params, identity(ref) if ref else None, called]
    facts += [[name, identity(one)] for name, one in sorted(target.part.given.items())]
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()


async def _keep(session: AsyncSession, claim: Claim, marks: Sequence[str], first: int, depth: int) -> set[str]:
    """Take over the items that the execution which is repeated has completed. Returns their marks."""
    if claim.spec.items_of is None:
        return set()
    lease = claim.lease
    where = {"earlier": claim.spec.items_of, "node_id": claim.spec.graph.nodes[0].id, "items": list(marks)}
    done = {row.item: row.id for row in await session.execute(sql.EARLIER, {**lease.execution, **where})}
    rows = [
        {"id": new_id(), "item_no": first + number, "kept_of": done[mark]}
        for number, mark in enumerate(marks) if mark in done
    ]  # fmt: skip
    if rows:
        await session.execute(sql.KEEP, {**lease.key, "depth": depth, "rows": as_json(rows)})
    return set(done)


async def _target(
    session: AsyncSession, claim: Claim, wait: Children, registry: Registry, load: Loader, parent: Any
) -> _Target:
    node = claim.spec.graph.nodes[0]
    if wait.flow:
        other = await load(session, claim.lease.organization_id, wait.flow, wait.version, parent.flow_id)
        await admission.require_features(session, other.graph, registry)
        return _Target(*_called(other.graph, registry), other.flow_id, other.definition_hash, other.version, "flow")
    body = claim.spec.body
    if body is None:
        raise ConfigError(f"there is no step inside '{node.label or node.id}'; put at least one there")
    entering = tuple(edge for edge in body.edges if edge.source == node.id and edge.target != node.id)
    results = tuple(f"{e.source}.{e.source_port}" for e in body.edges if e.target == node.id)
    level = body.level(node.id)
    return _Target(
        Part(level, entering, _outside(claim), whole=body, taken=claim.spec.taken),
        results,
        parent.flow_id,
        parent.definition_hash,
        parent.version,
        "body",
    )


def _outside(claim: Claim) -> dict[str, FrameRef]:
    """What templates inside of a loop take of steps before it."""
    names = {name for found in claim.spec.taken.values() for name in found.values()}
    return {name: claim.inputs[name] for name in names if name in claim.inputs}


def _called(graph: FlowGraph, registry: Registry) -> tuple[Part, tuple[str, ...]]:
    """A sub-flow: its input steps give way to the frame that is handed over; its output steps are kept."""
    loops = graph if any(node.parent for node in graph.nodes) else None
    level = graph.level() if loops else graph
    doors = {node.id for node in level.nodes if registry.node(node.type).manifest.role == "input"}
    rest = level.only({node.id for node in level.nodes} - doors)
    entering = tuple(edge for edge in level.edges if edge.source in doors and edge.target not in doors)
    results = tuple(f"{node.id}.out" for node in level.nodes if registry.node(node.type).manifest.role == "output")
    return Part(rest, entering, whole=loops, taken=taken(graph, registry)), results


def _input(claim: Claim, item: Item, before: list[FrameRef]) -> FrameRef | None:
    if item.source == "none":
        return None
    if item.source == "previous":
        if not before:
            raise DataError("the round before gave no rows to go on with; connect the last step inside to 'result'")
        return before[0]
    edges = [edge for edge in claim.spec.graph.edges if edge.target_port == "in"]
    ref = claim.inputs.get(f"{edges[0].source}.{edges[0].source_port}") if edges else None
    whole = item.offset == 0 and item.rows is None
    return ref if ref is None or whole else ref.slice(item.offset, item.rows)


async def _results(session: AsyncSession, lease: Lease, names: tuple[str, ...], first: int) -> list[FrameRef]:
    rows = (await session.execute(sql.FAMILY, {**lease.key, "names": list(names), "first": first})).all()
    return [msgspec.convert(ref, FrameRef) for row in rows for ref in (row.outputs or {}).values()]


async def resumed(
    session: AsyncSession, lease: Lease, parked: dict[str, Any], resume: dict[str, Any] | None
) -> tuple[Resumed, tuple[FrameRef, ...]]:
    """Why a parked segment is executed again, and the frames that its children gave."""
    family = parked.get("type") == "children"
    names, first = parked.get("names", ()), parked.get("first", 0)
    if parked.get("type") == "callback" and resume is None:
        await session.execute(sql.END_WAITS, {**lease.key, "status": "expired"})
    wait = msgspec.convert({k: v for k, v in parked.items() if k not in {"names", "first"}}, Wait)
    given = resume or {}
    if not family:
        return Resumed(wait=wait, payload=given.get("payload"), by=given.get("by", "")), ()
    rows = (await session.execute(sql.FAMILY, {**lease.key, "names": list(names), "first": first})).all()
    children = tuple(
        Child(item_no=row.item_no, execution_id=str(row.id), status=row.status, error=row.error_message or "")
        for row in rows
    )
    refs = tuple(
        msgspec.convert(row.outputs[name], FrameRef) for row in rows for name in names if name in (row.outputs or {})
    )
    elapsed_s = float(await session.scalar(sql.ELAPSED, lease.key) or 0.0)
    return Resumed(wait=wait, before=first, children=children, elapsed_s=elapsed_s), refs


async def closed(session: AsyncSession, organization_id: UUID, rows: Sequence[Any]) -> None:
    """Executions have ended: their slots go to whoever is next, and parents are woken that waited for them.

    Args:
        session: The transaction that ends them.
        organization_id: Whose they are.
        rows: Of each its parent, and the keys of the slots that it had.
    """
    freed = Counter(name for row in rows for name in row.released)
    parents = {
        (row.parent_execution_id, row.parent_segment_no) for row in rows
        if row.parent_execution_id is not None and row.parent_segment_no is not None
    }  # fmt: skip
    names = [*freed, *(f"family:{parent_id}:{segment_no}" for parent_id, segment_no in parents)]
    if names:  # all at once: whoever ends others meanwhile locks in the same order
        await session.execute(sql.LOCK_KEYS, {"keys": [f"{organization_id}:{name}" for name in names]})
    for name in sorted(freed):
        await session.execute(sql.ADMIT, {"organization_id": organization_id, "key": name, "most": 10 * freed[name]})
    for parent_id, segment_no in sorted(parents):
        where = {"organization_id": organization_id, "execution_id": parent_id, "segment_no": segment_no}
        await session.execute(sql.WAKE, where)
