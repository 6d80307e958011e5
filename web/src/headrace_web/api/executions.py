"""Execute flows, and look at executions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from headrace.access.resolve import reach_of
from headrace.connections import service as connections
from headrace.executions import forecast, live, pins
from headrace.executions import service as executions
from headrace.executions.leases import Event
from headrace.executions.rows import pin_rows
from headrace.executions.service import NodeOutput
from headrace.executions.state import TERMINAL
from headrace.flows import service as flows
from headrace.flows import versions
from headrace.flows.canvas import graph_of
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.clock import now
from headrace.sdk.errors import ConfigError, NotFound
from headrace.sdk.manifests import Effect
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of
from headrace_web.frames import stored_preview
from headrace_web.guards import permission, scoped
from headrace_web.idempotency import OWN_KEY

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=200)]
After = Annotated[int, QueryParameter(ge=0, le=2**53)]
Rows = Annotated[int, QueryParameter(ge=1, le=1_000)]
Slots = Annotated[int, QueryParameter(ge=1, le=200)]
ROW_LIMIT = 1_000
DAY = timedelta(days=1)
ExecutionStatus = Literal["queued", "running", "waiting", "completed", "failed", "cancelling", "cancelled", "timed_out"]


class ExecuteBody(ApiStruct):
    """How to execute a flow: the canvas as it is, or a checked-in `version`.

    With `dry_run` nothing is executed or kept: the answer says what would be, and every refusal is the true one.
    """

    input_data: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    async_mode: bool = True
    wait_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30
    environment: str = "development"
    observe: Literal["all", "borders"] = "borders"
    priority: Annotated[int, msgspec.Meta(ge=-10, le=10)] = 0
    reuse: bool | None = None
    use_pins: bool = False
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    dry_run: bool = False


class NodeExecuteBody(ApiStruct):
    """Which part of a flow to execute, seen from one node.

    `input` are rows for the step itself (a list for its first input port, or by port); executing up to it, they are
    what the flow is started with. Sources, and frames stored before, give at most `row_limit` rows; null = all. By
    default that is 1,000, and all where a step with an effect is executed: it never writes a part unasked.
    """

    mode: Literal["to_here", "node", "from_here"] = "to_here"
    variables: dict[str, Any] = {}
    input: list[dict[str, Any]] | dict[str, Any] | None = None
    use_pins: bool = True
    row_limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | msgspec.UnsetType | None = msgspec.UNSET
    reuse: bool | None = None


class ExecutionSlot(msgspec.Struct, kw_only=True):
    """A part of a time: when it begins, and the executions that began in it."""

    at: datetime
    completed: int
    failed: int
    cancelled: int
    open: int
    rows: int


class FlowExecutionsController(Controller):
    """Executions of a flow."""

    path = "/flows/{flow_id:uuid}"
    tags = ("executions",)

    @post("/execute", opt={**permission("flow:execute"), **OWN_KEY}, status_code=202)
    async def execute_flow(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        data: JSONBody[ExecuteBody | None] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Envelope[dict[str, Any]]]:
        """Execute the flow; with `async_mode` false the answer waits for the end, up to `wait_seconds`."""
        body = data or ExecuteBody()
        async with ctx.transaction() as session:
            flow = await flows.get(session, ctx.actor, flow_id)
            names = await connections.names(session, ctx.organization_id)
            if body.version is None:
                graph, digest = await flows.prepare(session, ctx.actor, flow_id, ctx.registry, connections=names)
            else:
                graph, digest = await versions.prepare(
                    session, ctx.actor, flow_id, body.version, ctx.registry, connections=names
                )
            trial = await session.begin_nested() if body.dry_run else None
            execution_id = await executions.start(
                session, ctx.actor, flow_id=flow_id, graph=graph, definition_hash=digest, host=ctx.services.host,
                environment=body.environment, observe=body.observe, params={**flow.variables, **body.variables},
                input_data=body.input_data, priority=body.priority, version=body.version,
                idempotency_key=None if body.dry_run else _own(ctx, idempotency_key),
                request_hash=ctx.request_hash, reuse=body.reuse, use_pins=body.use_pins,
            )  # fmt: skip
            if trial is not None:
                segments = await executions.planned(session, ctx.organization_id, execution_id)
                await trial.rollback()
                return _tried(ctx, graph, segments)
            execution = await executions.get(session, ctx.organization_id, execution_id)
        if not body.async_mode:
            services = ctx.services
            execution = await live.wait_until_terminal(
                services.database, services.bus, ctx.organization_id, execution_id, timeout_s=body.wait_seconds
            )
        return _accepted(execution)

    @get("/executions", opt=permission("execution:read"))
    async def list_flow_executions(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        paging: NamedDependency[Paging],
        status: FromQuery[ExecutionStatus | None] = None,
    ) -> Envelope[list[dict[str, Any]]]:
        """Executions of the flow, newest first."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            rows, total = await executions.find(
                session, ctx.organization_id, flow_id=flow_id, statuses=[status] if status else None,
                limit=paging.limit, offset=paging.offset,
            )  # fmt: skip
        return page_of([_listed(row) for row in rows], total, paging)

    @post("/nodes/{node_id:str}/execute", opt=permission("flow:execute"), status_code=202)
    async def execute_node(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        node_id: FromPath[str],
        data: JSONBody[NodeExecuteBody | None] = None,
    ) -> Response[Envelope[dict[str, Any]]]:
        """Execute a part of the flow and keep every node's rows for a look."""
        body = data or NodeExecuteBody()
        async with ctx.transaction() as session:
            flow = await flows.get(session, ctx.actor, flow_id)
            whole = graph_of((await flows.get_data(session, ctx.actor, flow_id)).definition)
            if node_id not in whole.by_id:
                raise NotFound("there is no such step in this flow", resource="node")
            only = whole.downstream(node_id) | {node_id} if body.mode == "from_here" else {node_id}
            names = await connections.names(session, ctx.organization_id)
            graph, digest = await flows.prepare(session, ctx.actor, flow_id, ctx.registry, connections=names, only=only)
            started = _started_with(body) if body.mode == "to_here" else {}
            rows = _by_port(ctx, whole.by_id[node_id], body) if body.mode != "to_here" else {}
            url = ctx.services.settings.objects_url
            given = await asyncio.to_thread(pin_rows, url, ctx.organization_id, flow_id, node_id, rows) if rows else {}
            execution_id = await executions.start(
                session, ctx.actor, flow_id=flow_id, graph=graph, definition_hash=digest, host=ctx.services.host,
                mode=body.mode, target_node_id=node_id, observe="all", trigger_type="test",
                params={**flow.variables, **body.variables}, input_data=started, supplied=given,
                row_limit=_row_limit(ctx, whole, node_id, body), use_pins=body.use_pins, reuse=body.reuse,
            )  # fmt: skip
            execution = await executions.get(session, ctx.organization_id, execution_id)
        return _accepted(execution)

    @get("/nodes/{node_id:str}/preview", opt=permission("flow:read"))
    async def preview_node(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        node_id: FromPath[str],
        limit: Rows = 200,
        offset: After = 0,
        port: FromQuery[str] = "out",
        use_pins: FromQuery[bool] = True,
    ) -> Envelope[dict[str, Any]]:
        """A page of the pinned rows of a node, or of the newest stored ones."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            pinned = await pins.find(session, ctx.organization_id, flow_id, node_id) if use_pins else []
            found = await executions.latest_output(session, ctx.organization_id, flow_id, node_id)
        if pinned:
            found = NodeOutput(pinned[0].execution_id, pinned[0].outputs)
        page = await stored_preview(ctx, found, port, limit=limit, offset=offset)
        return ok({**page, "pinned": bool(pinned)})


class ExecutionsController(Controller):
    """Executions."""

    path = "/executions"
    tags = ("executions",)

    @get("/", opt=scoped("execution:read"))
    async def list_executions(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        flow_id: FromQuery[UUID | None] = None,
        status: FromQuery[ExecutionStatus | None] = None,
        trigger_type: FromQuery[str | None] = None,
        parent_id: FromQuery[UUID | None] = None,
        parent_segment_no: FromQuery[int | None] = None,
        since: FromQuery[datetime | None] = None,
        until: FromQuery[datetime | None] = None,
    ) -> Envelope[list[dict[str, Any]]]:
        """Executions, newest first; those of a loop's items only by `parent_id`."""
        async with ctx.transaction() as session:
            rows, total = await executions.find(
                session, ctx.organization_id, flow_id=flow_id, statuses=[status] if status else None,
                trigger_type=trigger_type, parent_id=parent_id, parent_segment_no=parent_segment_no,
                since=_zoned(since), until=_zoned(until), limit=paging.limit, offset=paging.offset,
                within=reach_of(ctx.actor, "execution:read"),
            )  # fmt: skip
        return page_of([_listed(row) for row in rows], total, paging)

    @get("/summary", opt=scoped("execution:read"))
    async def summarize_executions(
        self,
        ctx: NamedDependency[Context],
        since: FromQuery[datetime | None] = None,
        until: FromQuery[datetime | None] = None,
        slots: Slots = 24,
        flow_id: FromQuery[UUID | None] = None,
    ) -> Envelope[list[ExecutionSlot]]:
        """How many executions began in each part of a time, by how they ended; the last day by hours by default."""
        end = _zoned(until) or now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        begin = _zoned(since) or end - DAY
        if begin >= end:
            raise ConfigError("'since' must be before 'until'", field="since")
        async with ctx.transaction() as session:
            rows = await executions.by_time(
                session, ctx.organization_id, since=begin, until=end, slots=slots, flow_id=flow_id,
                within=reach_of(ctx.actor, "execution:read"),
            )  # fmt: skip
        return ok([msgspec.convert(row, ExecutionSlot) for row in rows])

    @get("/{execution_id:uuid}", opt=permission("execution:read"))
    async def get_execution(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """One execution; while it runs, with the time at which it will probably end."""
        async with ctx.transaction() as session:
            found = await executions.get(session, ctx.organization_id, execution_id)
            found = await executions.with_input(session, ctx.organization_id, found)
            return ok({**found, **await forecast.of_execution(session, ctx.organization_id, execution_id)})

    @get("/{execution_id:uuid}/nodes", opt=permission("execution:read"))
    async def list_nodes(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[dict[str, Any]]]:
        """Every node with its state and counts."""
        async with ctx.transaction() as session:
            return ok(await executions.nodes(session, ctx.organization_id, execution_id))

    @get("/{execution_id:uuid}/children", opt=permission("execution:read"))
    async def count_children(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[dict[str, Any]]]:
        """How many executions this one has started, by segment, mode and state."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            return ok(await executions.children(session, ctx.organization_id, execution_id))

    @get("/{execution_id:uuid}/definition", opt=permission("flow:read"))
    async def get_definition(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """The canvas that is executed, as it was at the start."""
        async with ctx.transaction() as session:
            return ok(await executions.definition(session, ctx.organization_id, execution_id))

    @get("/{execution_id:uuid}/events", opt=permission("execution:read"))
    async def list_events(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID], after: After = 0, limit: Rows = 1_000
    ) -> Envelope[list[Event]]:
        """Events with a sequence above `after`, without gaps."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            return ok(await executions.events(session, ctx.organization_id, execution_id, after=after, limit=limit))

    @post("/{execution_id:uuid}/cancel", opt=permission("execution:cancel"), status_code=202)
    async def cancel_execution(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """Ask for the end of an execution."""
        async with ctx.transaction() as session:
            return ok(await executions.cancel(session, ctx.organization_id, execution_id))

    @get("/{execution_id:uuid}/nodes/{node_id:str}/preview", opt=permission("execution:read"))
    async def preview_execution_node(
        self,
        ctx: NamedDependency[Context],
        execution_id: FromPath[UUID],
        node_id: FromPath[str],
        limit: Rows = 200,
        offset: After = 0,
        port: FromQuery[str] = "out",
        profile: FromQuery[bool] = True,
    ) -> Envelope[dict[str, Any]]:
        """A page of the rows that a node stored in this execution."""
        async with ctx.transaction() as session:
            row = await executions.get(session, ctx.organization_id, execution_id)
            found = await executions.latest_output(
                session, ctx.organization_id, row["flow_id"], node_id, execution_id=execution_id
            )
        return ok(await stored_preview(ctx, found, port, limit=limit, offset=offset, profile=profile))


def _zoned(at: datetime | None) -> datetime | None:
    """A moment without a zone is one of UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _own(ctx: Context, key: str | None) -> str | None:
    """A key is of one caller: nobody meets another's."""
    if key is None:
        return None
    if not key.isprintable():
        raise ConfigError("an Idempotency-Key has printable characters only", field="Idempotency-Key")
    return f"{ctx.actor.user_id}:{key}"


def _row_limit(ctx: Context, graph: FlowGraph, node_id: str, body: NodeExecuteBody) -> int | None:
    if body.row_limit is not msgspec.UNSET:
        return body.row_limit
    part = {"to_here": graph.upstream, "from_here": graph.downstream}.get(body.mode, lambda one: {one})(node_id)
    effects = {ctx.registry.node(graph.by_id[one].type).manifest.effect for one in part & graph.by_id.keys()}
    return ROW_LIMIT if effects <= {Effect.NONE, Effect.READ} else None


def _started_with(body: NodeExecuteBody) -> dict[str, Any]:
    return {"rows": body.input} if isinstance(body.input, list) else dict(body.input or {})


def _by_port(ctx: Context, node: NodeSpec, body: NodeExecuteBody) -> dict[str, list[Any]]:
    """Rows for the step's input ports."""
    if body.input is None:
        return {}
    ports = [port.name for port in ctx.registry.node(node.type).manifest.inputs]
    if not ports:
        raise ConfigError("this step takes no input; leave 'input' out", field="input")
    rows = {ports[0]: body.input} if isinstance(body.input, list) else body.input
    for name in rows:
        if name not in ports:
            raise ConfigError(f"the step has no input '{name}'; it has {', '.join(ports)}", field="input")
    return dict(rows)


def _accepted(execution: dict[str, Any]) -> Response[Envelope[dict[str, Any]]]:
    ended = execution["status"] in TERMINAL
    data = {"execution_id": execution["id"], "id": execution["id"], "status": execution["status"]}
    if ended:
        data |= {
            "result": execution["output_data"],
            "error": execution["error"],
            "error_message": execution["error_message"],
        }
    return Response(ok(data), status_code=200 if ended else 202)


def _tried(ctx: Context, graph: FlowGraph, segments: list[dict[str, Any]]) -> Response[Envelope[dict[str, Any]]]:
    """What a start would have been: its segments, whether it would wait, and the steps that change something."""
    planned = {node_id for segment in segments for node_id in segment["node_ids"]}
    quiet = {Effect.NONE, Effect.READ}
    effects = [
        node.id for node in graph.nodes
        if node.id in planned and ctx.registry.node(node.type).manifest.effect not in quiet
    ]  # fmt: skip
    told = {
        "execution_id": None, "id": None, "status": "dry_run", "held": any(one.pop("held") for one in segments),
        "segments": segments, "effects": effects,
    }  # fmt: skip
    return Response(ok(told), status_code=200)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """Lists carry no payloads."""
    return {key: value for key, value in row.items() if key not in {"input_data", "output_data", "execution_details"}}
