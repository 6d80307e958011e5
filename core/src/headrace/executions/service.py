"""Executions for the rest of headrace: start, read, cancel. The only door to the tables; commits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import Reach
from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.engine.segments import compile_plan
from headrace.entitlements import service as entitlements
from headrace.executions import admission, compensation, payloads, pending, pins, queries, settle, statements
from headrace.executions.create import ATTENDED, Slot, hold_if_full, ring_ready, row_of, rows_of
from headrace.executions.handlers import handlers_of
from headrace.executions.leases import Event, as_json
from headrace.executions.partial import Mode, part_of
from headrace.executions.state import TERMINAL, node_status
from headrace.flows.graph import FlowGraph
from headrace.flows.references import taken
from headrace.infra.ids import new_id
from headrace.plugins.manager import Host
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, Conflict, NotFound


class Actor(Protocol):
    """Who starts or stops an execution; accounts' Actor is one."""

    @property
    def organization_id(self) -> UUID:
        """Organization of the execution."""

    @property
    def user_id(self) -> UUID | None:
        """User, if it is one."""


class NodeOutput(Struct, frozen=True):
    """Stored frames of a node by port, and the execution they come from, if one does."""

    execution_id: UUID | None
    outputs: dict[str, FrameRef]


async def start(
    session: AsyncSession, actor: Actor, *, flow_id: UUID, graph: FlowGraph, definition_hash: str, host: Host,
    version: int | None = None, environment: str = "development",
    mode: Mode = "flow", target_node_id: str | None = None,
    observe: Literal["all", "borders"] = "borders", params: Mapping[str, Any] | None = None,
    input_data: Mapping[str, Any] | None = None, trigger_type: str = "manual", priority: int = 0,
    idempotency_key: str | None = None, deadline_s: float | None = None, parent_execution_id: UUID | None = None,
    job_id: UUID | None = None, attempt: int = 1, data_interval: tuple[datetime, datetime] | None = None,
    details: Mapping[str, Any] | None = None, slots: Sequence[Slot] = (), reuse: bool | None = None,
    row_limit: int | None = None, use_pins: bool = False, supplied: Mapping[str, FrameRef] | None = None,
    kept: Mapping[str, Kept] | None = None,
    items_of: Mapping[str, UUID] | None = None, request_hash: str | None = None, execution_id: UUID | None = None,
    settings: Mapping[str, Any] | None = None,
) -> UUID:  # fmt: skip
    """Accept an execution: its row, segments, doorbells and first event, in the caller's transaction.

    Args:
        session: A transaction of the actor's organization. The execution is accepted once it is committed.
        actor: Who starts it.
        flow_id: Whose definition it is.
        graph: The whole flow.
        mode: Execute all of it, or what `part_of` cuts out around `target_node_id`.
        definition_hash: Content hash of the definition that `graph` comes from.
        host: Plugins to compile against; their set is pinned.
        version: Number of the flow's version, if it is one.
        environment: Name that is shown and kept.
        target_node_id: The node that `mode` is about.
        observe: `all` keeps every node's output (design time).
        params: What templates in configs see.
        input_data: What the caller gave, at most `payloads.INPUT_MAX` bytes; kept for reading. A person who gives
            none has the sample of the flow's trigger.
        trigger_type: What started it (requirements F12).
        priority: -10 to 10; higher is claimed first and has more of the workers. 0 leaves it to the flow's settings.
        idempotency_key: A repeat with the same key gives the first execution.
        deadline_s: Seconds after which the execution is stopped and `timed_out`; by default as the flow's settings say.
        parent_execution_id: The execution that this one repeats or belongs to.
        job_id: The job that it is part of.
        attempt: Counts retries of the whole execution.
        data_interval: What the data covers.
        details: More facts to keep.
        slots: What bounds how many are open, beside the limits of organization and flow; the execution is held while
            one is full.
        reuse: Take stored outputs of unchanged steps; by default at design time (`observe` all).
        row_limit: Rows that sources, and stored frames from before, give at most.
        use_pins: Pinned rows stand in for their steps; for executions that a person watches only.
        supplied: Frames for input ports of the target.
        kept: What nodes gave before that are not executed again (`replay`).
        items_of: The execution of which a loop, or a call, keeps the items that completed, by its id.
        request_hash: Of the request with the idempotency key.
        settings: Of the flow, where they were read in this transaction.
        execution_id: The id that it is to have; another is returned when another execution stands for it.

    Returns:
        The execution's id.

    Raises:
        ConfigError: a node type is unknown or its plugin is missing; a step before the part has no stored output;
            the flow's settings do not fit; the input is too large.
        NotFound: there is no such node.
        Conflict: the idempotency key was used for another request.
        TooManyWaiting: as many of the flow wait as its settings allow.
        LimitReached: the plan's executions of this month are used up, or it allows none at a time.
        FeatureOff: a step is of a feature that the edition has not got.
    """
    if trigger_type in ATTENDED and not (input_data or {}).keys() - {"trigger"}:
        input_data = {**(input_data or {}), **_sample_of(graph, host.registry)}
    policy = await admission.policy_for(session, actor.organization_id, flow_id, settings)
    priority = priority or admission.PRIORITIES[policy.priority]
    fresh = mode == "flow" and parent_execution_id is None and trigger_type != "backfill"
    if fresh and policy.max_pending is not None:
        if idempotency_key and await _known(session, actor.organization_id, idempotency_key):
            return await _first_of(session, actor.organization_id, flow_id, idempotency_key, request_hash)
        joined = await pending.stand_in(
            session, actor.organization_id, flow_id, policy, trigger_type=trigger_type, params=params or {},
            input_data=input_data or {}, interval_end=data_interval[1] if data_interval else None,
        )  # fmt: skip
        if joined is not None:
            return joined
    if use_pins and trigger_type not in ATTENDED:
        raise ConfigError("pinned rows are for test runs; start this execution without them", field="use_pins")
    await admission.require_features(session, graph, host.registry)
    main, after = handlers_of(graph, host.registry, trigger_type, policy.queue) if mode == "flow" else (graph, {})
    pinned = await pins.kept_of(session, actor.organization_id, flow_id) if use_pins else {}
    if mode != "flow":
        main = compensation.for_a_part(main, host.registry, target_node_id)
    part = await part_of(
        session, actor.organization_id, flow_id, main, mode=mode, node_id=target_node_id, pinned=pinned,
        supplied=supplied, taken=taken(main, host.registry),
    )  # fmt: skip
    part, wanted = compensation.parted(part, host.registry, policy.queue) if mode == "flow" else (part, set())
    part = msgspec.structs.replace(
        part, kept={**part.kept, **(kept or {})}, given=_limited(part.given, row_limit), items_of=dict(items_of or {})
    )
    plan = compile_plan(part.graph, host.registry, keep=wanted, taken=part.taken, whole=part.whole)
    interval = data_interval or (None, None)
    if mode == "flow" and deadline_s is None:
        deadline_s = policy.deadline_s
    execution_id = execution_id or new_id()
    kept_input, facts = await payloads.keep(session, actor.organization_id, execution_id, input_data or {})
    row = row_of(
        actor.organization_id, execution_id, segments=len(plan.segments), flow_id=flow_id, version=version,
        definition_hash=definition_hash, plugin_set_hash=host.plugin_set_hash, environment=environment, mode=mode,
        target_node_id=target_node_id, observe=observe, trigger_type=trigger_type, triggered_by=actor.user_id,
        job_id=job_id, parent_execution_id=parent_execution_id, attempt=attempt, priority=priority,
        data_interval_start=interval[0], data_interval_end=interval[1], params=params or {},
        input_data=kept_input, idempotency_key=idempotency_key, deadline_s=deadline_s,
        details={**(details or {}), **facts},
        handlers=after, reuse=observe == "all" if reuse is None else reuse, row_limit=row_limit,
        request_hash=request_hash, share=await admission.share_of(session, actor.organization_id),
    )  # fmt: skip
    bounds = await admission.slots_of(
        session, actor.organization_id, flow_id, policy, params or {}, input_data or {}, whole=mode == "flow"
    )
    held = await entitlements.hold_execution(session, actor.organization_id)
    if await session.scalar(queries.CREATE, row) is None:
        return await _first_of(session, actor.organization_id, flow_id, str(idempotency_key), request_hash)
    await entitlements.count_execution(session, actor.organization_id, held)
    key = {"organization_id": actor.organization_id, "execution_id": execution_id}
    if plan.segments:
        rows = rows_of(plan, part, trigger_type, policy.queue, policy.limits)
        await session.execute(queries.SEGMENTS, {**key, "rows": as_json(rows)})
        await hold_if_full(session, actor.organization_id, execution_id, (*bounds, *slots), priority)
        await ring_ready(session, key, of=flow_id)
    else:
        await settle.pass_segments(session, key, ended=0)
        await session.execute(queries.TOUCH_FLOW, {"organization_id": actor.organization_id, "flow_id": flow_id})
    return execution_id


def _sample_of(graph: FlowGraph, registry: Registry) -> dict[str, Any]:
    """The sample event of the trigger, as an input; of several, each step gives its own."""
    samples = [node.config.get("sample") for node in graph.nodes if node.type in registry.triggers]
    given = [sample for sample in samples if sample]
    return {"rows": given[0]} if len(given) == 1 else {}


def _limited(given: Mapping[str, FrameRef], row_limit: int | None) -> dict[str, FrameRef]:
    return {name: ref if row_limit is None or ref.rows <= row_limit else ref.slice(0, row_limit)
            for name, ref in given.items()}  # fmt: skip


async def _known(session: AsyncSession, organization_id: UUID, key: str) -> bool:
    where = {"organization_id": organization_id, "idempotency_key": key}
    return (await session.execute(queries.SAME_KEY, where)).first() is not None


async def _first_of(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, key: str, request_hash: str | None
) -> UUID:
    row = (await session.execute(queries.SAME_KEY, {"organization_id": organization_id, "idempotency_key": key})).one()
    if row.flow_id != flow_id or (request_hash and row.request_hash and row.request_hash != request_hash):
        raise Conflict("this idempotency key was used for another request; use a new one for each request")
    return UUID(str(row.id))


async def get(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> dict[str, Any]:
    """The execution's fields.

    Raises:
        NotFound: the organization has no such execution.
    """
    row = (await session.execute(queries.GET, _key(organization_id, execution_id))).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such execution", execution_id=str(execution_id))
    return dict(row)


async def with_input(session: AsyncSession, organization_id: UUID, execution: dict[str, Any]) -> dict[str, Any]:
    """The execution with the whole of its input; what is gone is null.

    A large input is read from the object store: for one execution, never for a list.
    """
    try:
        given = await payloads.whole(
            session, organization_id, execution["id"], execution["input_data"], execution["execution_details"]
        )
    except NotFound:
        return {**execution, "input_data": None}
    return {**execution, "input_data": given}


async def find(
    session: AsyncSession, organization_id: UUID, *, flow_id: UUID | None = None, statuses: Sequence[str] | None = None,
    trigger_type: str | None = None, parent_id: UUID | None = None, parent_segment_no: int | None = None,
    since: datetime | None = None, until: datetime | None = None, limit: int = 50, offset: int = 0,
    within: Reach | None = None,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Executions `within` reach (all when None), newest first, and how many; those of loops only by their parent."""
    where = {
        "organization_id": organization_id, "flow_id": flow_id, "trigger_type": trigger_type,
        "parent_id": parent_id, "parent_segment_no": parent_segment_no,
        "statuses": list(statuses) if statuses else None, "since": since, "until": until, **(within or {}),
    }  # fmt: skip
    page, count = (queries.LIST, queries.COUNT) if within is None else (queries.LIST_WITHIN, queries.COUNT_WITHIN)
    rows = (await session.execute(page, {**where, "limit": limit, "offset": offset})).mappings().all()
    total = await session.scalar(count, where)
    return [dict(row) for row in rows], int(total or 0)


async def by_time(
    session: AsyncSession, organization_id: UUID, *, since: datetime, until: datetime, slots: int,
    flow_id: UUID | None = None, within: Reach | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """How many executions began in each of so many equal parts of a time, by how they ended."""
    step = (until - since) / slots
    where = {
        "organization_id": organization_id, "flow_id": flow_id, "trigger_type": None, "parent_id": None,
        "parent_segment_no": None, "statuses": None, "since": since, "until": until,
        "step_s": step.total_seconds(), **(within or {}),
    }  # fmt: skip
    query = queries.BY_TIME if within is None else queries.BY_TIME_WITHIN
    found = {row["slot"]: dict(row) for row in (await session.execute(query, where)).mappings()}
    nothing = {"completed": 0, "failed": 0, "cancelled": 0, "open": 0, "rows": 0}
    return [{**nothing, **found.get(slot, {}), "slot": slot, "at": since + slot * step} for slot in range(slots)]


async def nodes(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[dict[str, Any]]:
    """Every node of the execution in plan order; those without an outcome show the state of their segment.

    Raises:
        NotFound: the organization has no such execution.
    """
    key = _key(organization_id, execution_id)
    await get(session, organization_id, execution_id)
    recorded = {row["node_id"]: dict(row) for row in (await session.execute(queries.NODES, key)).mappings()}
    shown = []
    for segment in (await session.execute(queries.SEGMENT_STATES, key)).mappings():
        open_again = segment["status"] in {"running", "ready", "retry_wait"}
        for node_id in segment["node_ids"]:
            row = recorded.get(node_id)
            if row is None or (open_again and 0 < row["attempt"] < segment["attempt"]):
                row = _unrecorded(node_id, segment)
            outputs = row.pop("outputs", None) or {}
            row["has_output"] = bool(outputs)
            row["ports"] = {name: frame.get("rows") for name, frame in outputs.items()}
            row["waits_for"], row["resumes_at"] = segment["waits_for"], segment["resumes_at"]
            shown.append(row)
    return shown


async def planned(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[dict[str, Any]]:
    """Segments of an execution before it begins: their steps, queue, what they come after; and whether it is held."""
    rows = await session.execute(queries.PLANNED, _key(organization_id, execution_id))
    return [dict(row) for row in rows.mappings()]


async def children(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[dict[str, Any]]:
    """How many executions an execution has started: by the segment that did, what they execute, and their state."""
    rows = await session.execute(queries.CHILDREN, _key(organization_id, execution_id))
    return [dict(row) for row in rows.mappings()]


async def definition(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> dict[str, Any]:
    """The canvas as it was when the execution started.

    Raises:
        NotFound: the organization has no such execution, or its definition was not kept.
    """
    found = await session.scalar(queries.DEFINITION, _key(organization_id, execution_id))
    if found is None:
        raise NotFound("the definition of this execution is not kept; look at the flow as it is now")
    return dict(found)


def _unrecorded(node_id: str, segment: RowMapping) -> dict[str, Any]:
    at_fault = (segment["error"] or {}).get("node_id", "")
    status = node_status(segment["status"])
    if status == "failed" and at_fault not in {"", node_id}:
        status = "skipped"
    started = segment["started_at"] if status in {"running", "parked"} else None
    return {
        "node_id": node_id, "segment_no": segment["segment_no"], "status": status, "attempt": segment["attempt"],
        "started_at": started, "completed_at": segment["finished_at"], "duration_ms": None, "rows_in": None,
        "rows_out": None, "rows_rejected": 0, "bytes": None, "memory_peak_bytes": None, "cache_hit": False,
        "pinned": False, "error": segment["error"] if at_fault in {"", node_id} else None, "compensation": None,
    }  # fmt: skip


async def events(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, *, after: int = 0, limit: int = 1_000
) -> list[Event]:
    """Events with a sequence above `after`, without gaps."""
    key = {**_key(organization_id, execution_id), "after": after, "limit": limit}
    rows = await session.execute(statements.EVENTS_AFTER, key)
    return [Event(row.seq, row.type, row.data, row.created_at) for row in rows]


async def latest_output(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, node_id: str, *, execution_id: UUID | None = None
) -> NodeOutput | None:
    """Stored frames of a node: of one execution, or of the flow's newest that has any."""
    where = {"organization_id": organization_id, "flow_id": flow_id, "node_id": node_id, "execution_id": execution_id}
    row = (await session.execute(queries.LATEST_OUTPUT, where)).one_or_none()
    if row is None:
        return None
    return NodeOutput(row.execution_id, msgspec.convert(row.outputs, dict[str, FrameRef]))


async def latest_input(session: AsyncSession, organization_id: UUID, flow_id: UUID) -> dict[str, Any]:
    """What the flow's newest execution was started with; empty where there is none, or where it is large."""
    where = {"organization_id": organization_id, "flow_id": flow_id}
    return await session.scalar(queries.LATEST_INPUT, where) or {}


async def cancel(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> dict[str, Any]:
    """Ask for the end of an execution: nothing more starts once this is committed; what runs is stopped.

    Returns:
        The execution; unchanged when it had ended, or is ending, by itself.

    Raises:
        NotFound: the organization has no such execution.
    """
    key = _key(organization_id, execution_id)
    row = (await session.execute(statements.LOCK, key)).one_or_none()
    if row is not None and row.status not in TERMINAL and row.closing is None:
        dropped = await settle.begin_closing(session, key, closing="cancelled", problem=None)
        await settle.pass_segments(session, key, ended=dropped)
    return await get(session, organization_id, execution_id)


def _key(organization_id: UUID, execution_id: UUID) -> dict[str, Any]:
    return {"organization_id": organization_id, "execution_id": execution_id}
