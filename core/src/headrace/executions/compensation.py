"""Undo what an execution has done when it does not complete (a saga).

A step's compensation is armed in the transaction that records its effect. When its execution fails, is cancelled or
times out, all that is armed in it, and in the executions that its steps had completed, is due: one after the other,
the newest effect first, each as an execution of its own, begun in the transaction that ends the one before. A
compensation that fails is listed, and the others go on. The state of the execution stays what it is.

Of a step that was interrupted it is not known whether it has had its effect. It is listed as failed, and undone when a
person says so (`again`), with the rows that it was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.segments import compile_plan
from headrace.executions import compensation_statements as sql
from headrace.executions import family_statements as families
from headrace.executions import handlers, statements
from headrace.executions.create import create_one, row_of, rows_of
from headrace.executions.leases import append_events
from headrace.executions.partial import Part
from headrace.flows.compensations import PORT, as_plain, branches, without
from headrace.flows.graph import Edge, FlowGraph
from headrace.infra.ids import new_id
from headrace.plugins.registry import Registry
from headrace.sdk.errors import Conflict

FORGOTTEN = "history has let go of what undoes this step; undo it by hand"
UNCERTAIN = (
    "it is not known whether this step has had its effect: it was interrupted; look at the other side, then undo it "
    "or leave it"
)
UNKEPT = "the rows of this step were never kept, so that nothing tells what to undo; undo it by hand"
_SCOPES = frozenset({"flow", "body"})


def main_outputs(graph: FlowGraph, registry: Registry) -> dict[str, str]:
    """The first data output of each step: what its compensation gets."""
    manifests = {node.id: registry.node(node.type).manifest for node in graph.nodes}
    return {n: next((p.name for p in m.outputs if p.kind == "data"), PORT) for n, m in manifests.items()}


def parted(part: Part, registry: Registry, queue: str = "") -> tuple[Part, set[str]]:
    """One level of a flow without its compensations, which go with the steps that they undo.

    Returns:
        The part, and `node.port` of the outputs that compensations need besides those of their own step.
    """
    level = part.graph
    found = branches(level)
    if not found:
        return msgspec.structs.replace(part, graph=without(level)), set()
    main, outputs = without(level), main_outputs(level, registry)
    undo: dict[str, list[dict[str, Any]]] = {}
    keep: set[str] = set()
    for source, ids in found.items():
        entering = tuple(
            Edge(source=e.source, source_port=outputs[source] if e.source_port == PORT else e.source_port,
                 target=e.target, target_port=e.target_port)
            for e in level.edges
            if e.target in ids and e.source in main.by_id and (e.source_port != PORT or e.source == source)
        )  # fmt: skip
        plan = compile_plan(level.only(ids), registry, taken=part.taken, whole=part.whole)
        if not plan.segments:
            continue
        undo[source] = rows_of(
            plan, Part(plan.graph, entering=entering, whole=part.whole, taken=part.taken), "event", queue
        )
        keep |= {f"{edge.source}.{edge.source_port}" for edge in entering}
    return msgspec.structs.replace(part, graph=main, undo=undo), keep


def for_a_part(graph: FlowGraph, registry: Registry, node_id: str | None) -> FlowGraph:
    """The flow for a test of some of its steps: an undo is a step like others if it is asked for, else left out."""
    level = graph.level()
    away = {n for ids in branches(level).values() for n in ids}
    if not away or node_id in away:
        return as_plain(graph, main_outputs(level, registry)) if away else graph
    return graph.only(graph.by_id.keys() - away - {inside for n in away for inside in graph.inside(n)})


async def arm(session: AsyncSession, segment: Mapping[str, Any], nodes: Sequence[str]) -> None:
    """Steps with a compensation have completed."""
    if nodes:
        await session.execute(sql.ARM, {**segment, "nodes": list(nodes)})


async def closed(session: AsyncSession, key: Mapping[str, Any], row: Any) -> bool:
    """An execution has ended: begin what is due. Returns whether something is.

    Args:
        session: The transaction that ends it; it holds the lock of the family that the execution belongs to.
        key: The execution.
        row: Its status, mode and parent.
    """
    if row.mode == "compensation":
        await _go_on(session, key)
        return False
    if row.mode not in _SCOPES:
        return False
    uncertain = 0
    if row.status != "completed":
        numbers = (await session.scalars(sql.FAMILIES, dict(key))).all()
        names = [f"{key['organization_id']}:family:{key['execution_id']}:{number}" for number in numbers]
        if names:  # a child that ends at this moment sees that this has ended, or is seen
            await session.execute(families.LOCK_KEYS, {"keys": names})
        uncertain = await session.scalar(sql.UNCERTAIN, {**key, "reason": UNCERTAIN})
    elif row.parent_segment_no is None or not await session.scalar(
        sql.LOST_PARENT,
        {**key, "parent_id": row.parent_execution_id, "segment_no": row.parent_segment_no},
    ):
        return False
    if not await session.scalar(sql.DUE, dict(key)) and not uncertain:
        return False
    await _next(session, key)
    return True


async def again(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> None:
    """Undo once more what could not be undone.

    Raises:
        Conflict: there is no such thing, or it is being undone now.
    """
    key = {"organization_id": organization_id, "execution_id": execution_id}
    await session.execute(statements.LOCK, key)
    busy = any(row["status"] in {"due", "running"} for row in await listed(session, organization_id, execution_id))
    if busy or not (await session.scalars(sql.AGAIN, key)).all():
        raise Conflict("it is being undone; wait for that" if busy else "there is nothing left to undo")
    await _next(session, key)


async def listed(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[dict[str, Any]]:
    """Effects that can be undone, the newest first, and what became of them."""
    key = {"organization_id": organization_id, "execution_id": execution_id}
    return [dict(row) for row in (await session.execute(sql.LIST, key)).mappings()]


async def undone_steps(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> set[str]:
    """Steps of an execution that have to be executed anew, because what they did is undone.

    Raises:
        Conflict: they are being undone, or it is not known what is left of them.
    """
    rows = [row for row in await listed(session, organization_id, execution_id) if row["status"] != "armed"]
    if any(row["status"] in {"due", "running"} for row in rows):
        raise Conflict("what this execution did is being undone; wait for that, then retry")
    failed = [row["node_id"] for row in rows if row["status"] == "failed"]
    if failed:
        raise Conflict(f"what step '{failed[0]}' did could not be undone; undo it again, or retry from the start")
    key = {"organization_id": organization_id, "execution_id": execution_id}
    return set((await session.scalars(sql.UNDONE_STEPS, key)).all()) if rows else set()


async def _go_on(session: AsyncSession, key: Mapping[str, Any]) -> None:
    """A compensation has ended; the next one begins. Its execution has ended long ago, so locking that is safe."""
    done = (await session.execute(sql.ENDED, dict(key))).one_or_none()
    if done is None:
        return
    scope = {**key, "execution_id": done.scope_id}
    await session.execute(statements.LOCK, scope)
    told = {"execution_id": str(done.execution_id), "node_id": done.node_id, "status": done.status, "error": done.error}
    await append_events(session, scope, [("compensation_update", told)])
    await _next(session, scope)


async def _next(session: AsyncSession, scope: Mapping[str, Any]) -> None:
    """Begin the compensation of the newest effect that is still to be undone, or say that it is over."""
    segments: Sequence[dict[str, Any]] | None = None
    while (row := (await session.execute(sql.NEXT, dict(scope))).one_or_none()) is not None:
        effect = {**scope, "execution_id": row.execution_id, "node_id": row.node_id}
        segments = row.segments and await _segments(session, effect, row.segments, uncertain=row.uncertain)
        if segments is not None:
            break
        await session.execute(sql.GONE, {**effect, "reason": UNKEPT if row.segments else FORGOTTEN})
    if row is not None and segments is not None:
        child = _child(scope, row)
        await session.execute(sql.BEGUN, {**effect, "child_id": child["id"]})
        told = {"execution_id": str(row.execution_id), "node_id": row.node_id, "status": "running", "error": None}
        await append_events(session, scope, [("compensation_update", told)])
        await create_one(session, child, segments)
    state = (await session.execute(sql.SHOW, dict(scope))).one()
    if state.compensation != "running":
        await append_events(session, scope, [("compensation_update", {"compensation": state.compensation})])
        if state.handlers:
            await handlers.begin(session, dict(scope), ("finally",))


def _child(scope: Mapping[str, Any], row: Any) -> dict[str, Any]:
    effect = {
        "execution_id": str(row.execution_id), "node_id": row.node_id, "key": f"{row.execution_id}:{row.node_id}",
        "rows_in": row.rows_in, "rows_out": row.rows_out, "rows_rejected": row.rows_rejected,
        "completed_at": row.completed_at.isoformat() if row.completed_at else "", "ended": row.status,
        "uncertain": row.uncertain,
    }  # fmt: skip
    return row_of(
        scope["organization_id"], new_id(), segments=len(row.segments), flow_id=row.flow_id,
        definition_hash=row.definition_hash, version=row.version, plugin_set_hash=row.plugin_set_hash,
        environment=row.environment, mode="compensation", trigger_type="event", triggered_by=row.triggered_by,
        parent_execution_id=scope["execution_id"], item_no=row.number, priority=row.priority,
        share=row.share, depth=row.depth + 1,
        target_node_id=row.node_id, params={**row.params, "effect": effect}, details={"compensates": effect},
    )  # fmt: skip


async def _segments(
    session: AsyncSession, effect: Mapping[str, Any], rows: Sequence[dict[str, Any]], *, uncertain: bool
) -> list[dict[str, Any]] | None:
    """The branch with the frames that enter it, as the effect's execution has stored them.

    A step that is `uncertain` has given none: what it was given stands for them; None when that was not stored.
    """
    ours = {node["id"] for row in rows for node in row["spec"]["graph"]["nodes"]}
    edges = [edge for row in rows for edge in row["spec"]["graph"]["edges"] if edge["source"] not in ours]
    wanted = sorted({(edge["source"], edge.get("source_port", "out")) for edge in edges})
    where = {
        **effect, "names": [f"{node}.{port}" for node, port in wanted], "nodes": [node for node, _ in wanted],
        "ports": [port for _, port in wanted], "uncertain": uncertain,
    }  # fmt: skip
    found = {row.name: row.frame for row in (await session.execute(sql.GIVEN, where)).all() if row.frame}
    if uncertain and len(found) < len(wanted):
        return None
    return [{**row, "spec": {**row["spec"], "given": _entering(row["spec"], found)}} for row in rows]


def _entering(spec: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    names = {f"{edge['source']}.{edge.get('source_port', 'out')}" for edge in spec["graph"]["edges"]}
    return {name: frame for name, frame in found.items() if name in names}
