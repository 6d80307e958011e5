"""Execute an execution again: whole, what is left of it, or from some of its steps on; on its version or another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections import service as connections
from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept, pure
from headrace.engine.segments import bypass_disabled
from headrace.executions import compensation, payloads, service
from headrace.executions.handlers import handlers_of
from headrace.executions.state import TERMINAL
from headrace.flows import service as flows
from headrace.flows import versions
from headrace.flows.canvas import graph_of
from headrace.flows.compensations import without
from headrace.flows.graph import FlowGraph
from headrace.flows.models import FlowDefinition
from headrace.plugins.manager import Host
from headrace.sdk.errors import ConfigError, Conflict, NotFound

From: TypeAlias = Literal["start", "failed", "node"]
Version: TypeAlias = Literal["same", "latest"] | int

_BEFORE = sa.text("""
SELECT flow_id, definition_hash, version, environment, mode, target_node_id, observe, status, job_id, attempt, priority,
  data_interval_start, data_interval_end, params, input_data, parent_segment_no, row_limit, reuse, execution_details,
  extract(epoch FROM deadline_at - queued_at)::double precision AS deadline_s
FROM executions WHERE organization_id = :organization_id AND id = :execution_id
""")
_DONE = sa.text("""
SELECT n.node_id, n.outputs, n.rows_in, n.rows_out, n.rows_rejected, n.bytes, n.status, n.pinned, s.outputs AS handed_on
FROM node_executions n JOIN segment_runs s ON s.organization_id = n.organization_id
  AND s.execution_id = n.execution_id AND s.segment_no = n.segment_no
WHERE n.organization_id = :organization_id AND n.execution_id = :execution_id
""")


async def retry(
    session: AsyncSession, actor: Any, execution_id: UUID, host: Host, *, since: From = "failed",
    node_ids: Sequence[str] = (), version: Version = "same", input_data: Mapping[str, Any] | None = None,
    reuse: bool | None = None, idempotency_key: str | None = None, request_hash: str | None = None,
) -> UUID:  # fmt: skip
    """Accept an execution that repeats one that has ended.

    Args:
        session: Of the actor's organization.
        actor: Who asks.
        execution_id: What is repeated.
        host: The plugins.
        since: `start` executes everything, `failed` what has not completed, `node` the given steps and what follows.
        node_ids: Of `node`.
        version: The definition as it was, the canvas as it is now, or a checked-in version. Steps that it changes are
            executed, and what depends on them.
        input_data: Instead of what the execution was started with.
        reuse: Take stored outputs of unchanged steps, by content; by default as the repeated one did.
        idempotency_key: A repeat with the same key gives the first execution.
        request_hash: Of the request with that key.

    Raises:
        NotFound: no such execution, version or step; or its definition or input is not stored any more.
        Conflict: it has not ended, belongs to a step of another one, or there is nothing left to do.
        ConfigError: the definition has problems, or no step is given.
    """
    organization_id = actor.organization_id
    key = {"organization_id": organization_id, "execution_id": execution_id}
    before = (await session.execute(_BEFORE, key)).one_or_none()
    if before is None:
        raise NotFound("there is no such execution", execution_id=str(execution_id))
    if before.status not in TERMINAL:
        raise Conflict(f"the execution is still {before.status}; wait for its end, or cancel it first")
    if before.parent_segment_no is not None or before.mode in {"body", "handler", "compensation"}:
        raise Conflict("this execution belongs to a step of another one; retry that one")
    old = await _stored(session, organization_id, before.flow_id, before.definition_hash)
    new, digest, number = await _definition(session, actor, host, before, old, version)
    same_input = input_data is None or dict(input_data) == before.input_data
    if input_data is None:
        again = await payloads.whole(
            session, organization_id, execution_id, before.input_data, before.execution_details
        )
    else:
        again = dict(input_data)
    kept: dict[str, Kept] = {}
    items_of: dict[str, UUID] = {}
    if since != "start":
        dirty = _dirty(old, new, host, same_input=same_input)
        if since == "node":
            dirty |= _given(new, node_ids)
        dirty |= await compensation.undone_steps(session, organization_id, execution_id)
        done = await _done(session, key, new, host)
        kept = _kept(new, done, dirty)
        items_of = {node.id: execution_id for node in new.nodes if node.id not in kept.keys() | dirty}
        main, _ = handlers_of(new, host.registry, "retry")
        main = without(main.level())
        if not main.by_id.keys() - kept.keys() - _inside(new):
            raise Conflict("every step completed, and none has changed; retry from a step, or from the start")
    interval = (before.data_interval_start, before.data_interval_end)
    chain = {name: before.execution_details[name] for name in ("chain",) if name in before.execution_details}
    return await service.start(
        session, actor, flow_id=before.flow_id, graph=new, definition_hash=digest, host=host, version=number,
        environment=before.environment, mode=before.mode, target_node_id=before.target_node_id,
        observe=before.observe, params=before.params, input_data=again, trigger_type="retry",
        priority=before.priority, idempotency_key=idempotency_key, request_hash=request_hash,
        deadline_s=before.deadline_s, parent_execution_id=execution_id, job_id=before.job_id,
        attempt=before.attempt + 1, data_interval=interval if interval[0] else None,
        details={**chain, "retry": {"from": since, "version": version, "node_ids": list(node_ids)}},
        reuse=before.reuse if reuse is None else reuse, row_limit=before.row_limit, kept=kept,
        items_of=items_of,
    )  # fmt: skip


async def _stored(session: AsyncSession, organization_id: UUID, flow_id: UUID, digest: str) -> FlowGraph:
    found = await session.get(FlowDefinition, (organization_id, flow_id, digest))
    if found is None:
        raise NotFound("what this execution executed is not stored any more; execute the flow anew")
    return graph_of(found.definition)


async def _definition(
    session: AsyncSession, actor: Any, host: Host, before: Any, old: FlowGraph, version: Version
) -> tuple[FlowGraph, str, int | None]:
    """The graph to execute, the hash of its definition, and the version's number."""
    await flows.get(session, actor, before.flow_id)
    if version == "same":
        return old, before.definition_hash, before.version
    names = await connections.names(session, actor.organization_id)
    if version == "latest":
        graph, digest = await flows.prepare(session, actor, before.flow_id, host.registry, connections=names)
        return graph, digest, None
    graph, digest = await versions.prepare(
        session, actor, before.flow_id, int(version), host.registry, connections=names
    )
    return graph, digest, int(version)


def changed(old: FlowGraph, new: FlowGraph) -> set[str]:
    """Steps of `new` that `old` does not have, or has with another config, policy, place or input; loops as a whole."""
    found: set[str] = set()
    for node in new.nodes:
        was = old.by_id.get(node.id)
        same = was is not None and msgspec.structs.replace(was, label=node.label) == node
        if not same or old.incoming[node.id] != new.incoming[node.id]:
            found.add(node.id)
    around = found
    while around := {new.by_id[node_id].parent for node_id in around} & new.by_id.keys():
        found = found | around
    gone = {was.parent for was in old.nodes if was.parent and was.id not in new.by_id}
    return found | (gone & new.by_id.keys())


def _dirty(old: FlowGraph, new: FlowGraph, host: Host, *, same_input: bool) -> set[str]:
    dirty = changed(old, new)
    if not same_input:
        dirty |= {node.id for node in new.nodes if host.registry.node(node.type).manifest.kind == "trigger"}
        if not any(host.registry.node(node.type).manifest.kind == "trigger" for node in new.nodes):
            dirty |= {node.id for node in new.nodes if not new.incoming[node.id]}
    return dirty


def _given(graph: FlowGraph, node_ids: Sequence[str]) -> set[str]:
    if not node_ids:
        raise ConfigError("name the steps to retry from", field="node_ids")
    for node_id in node_ids:
        if node_id not in graph.by_id:
            raise NotFound(f"the flow has no step '{node_id}' in this version", resource="node")
    return {graph.by_id[node_id].parent or node_id for node_id in node_ids}


def _inside(graph: FlowGraph) -> set[str]:
    """Steps inside loops, and those that are disabled: not executed by themselves."""
    return {node.id for node in graph.nodes if node.parent or node.disabled}


async def _done(session: AsyncSession, key: Mapping[str, Any], graph: FlowGraph, host: Host) -> dict[str, Kept]:
    """What completed before, by node id. Pinned rows do not count: a retry executes the step."""
    found: dict[str, Kept] = {}
    for row in (await session.execute(_DONE, key)).all():
        if row.status not in {"completed", "skipped"} or row.pinned or row.node_id not in graph.by_id:
            continue
        kind, skipped = host.registry.node(graph.by_id[row.node_id].type), row.status == "skipped"
        mine = {
            name.rpartition(".")[2]: ref
            for name, ref in row.handed_on.items()
            if name.rpartition(".")[0] == row.node_id
        }
        found[row.node_id] = Kept(
            outputs=msgspec.convert({**mine, **row.outputs}, dict[str, FrameRef]), rows_in=row.rows_in,
            rows_out=row.rows_out, rows_rejected=row.rows_rejected, bytes=row.bytes, skipped=skipped,
            settled=skipped or not pure(kind),
        )  # fmt: skip
    return found


def _kept(graph: FlowGraph, done: Mapping[str, Kept], dirty: set[str]) -> dict[str, Kept]:
    """What completed and depends on nothing that is executed now."""
    level = bypass_disabled(graph.level() if any(node.parent for node in graph.nodes) else graph)
    executed: set[str] = set()
    for node_id in level.order():
        sources = {edge.source for edge in level.incoming[node_id]}
        if node_id in dirty or node_id not in done or sources & executed:
            executed.add(node_id)
    return {node_id: kept for node_id, kept in done.items() if node_id in level.by_id and node_id not in executed}
