"""Flows: metadata, canvas, validation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.access.resolve import reach
from headrace.connections import service as connections
from headrace.entitlements import service as entitlements
from headrace.executions import pins
from headrace.executions.admission import policy_of
from headrace.flows import service as flows
from headrace.flows.canvas import graph_of
from headrace.flows.models import Flow
from headrace.flows.problems import FlowProblem
from headrace.flows.validate import refuse_blocked, validate
from headrace.sdk.errors import ConfigError
from headrace.triggers import declared
from headrace.triggers import service as triggers
from headrace.workspaces import service as workspaces
from headrace.workspaces import tree
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.triggers import TriggerBody
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, merged, ok, page_of, shown
from headrace_web.guards import permission, scoped
from headrace_web.realtime.changes import flow_changed

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]
Status = Literal["draft", "active", "inactive", "archived"]
Kind = Literal["automation", "pipeline", "monitoring"]
PipelineType = Literal["etl", "elt", "hybrid", "streaming"]


class FlowOut(Struct, kw_only=True):
    """A flow without its canvas."""

    id: UUID
    workspace_id: UUID
    folder_id: UUID | None
    name: str
    description: str
    kind: str
    pipeline_type: PipelineType
    status: str
    tags: list[str]
    variables: dict[str, Any]
    settings: dict[str, Any]
    current_version: int
    last_execution_at: datetime | None
    created_by: UUID | None
    updated_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class Canvas(ApiStruct):
    """Nodes and edges in React Flow's own form; keys inside that we do not know are kept."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]] = []
    viewport: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET

    def document(self) -> dict[str, Any]:
        """What is stored."""
        return given(self, "row_version")


class Draft(ApiStruct):
    """A canvas that is not saved; without `nodes` the stored one is meant."""

    nodes: list[dict[str, Any]] | UnsetType = UNSET
    edges: list[dict[str, Any]] = []
    viewport: dict[str, Any] = {}


class FlowBody(ApiStruct):
    """A new flow with its triggers; without a workspace it goes to the first one."""

    name: str
    workspace_id: UUID | None = None
    folder_id: UUID | None = None
    description: str = ""
    kind: Kind = "automation"
    pipeline_type: PipelineType = "etl"
    status: Status = "draft"
    tags: list[str] = []
    variables: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    definition: Canvas | None = None
    triggers: list[TriggerBody] | None = None


class FlowPut(FlowBody):
    """A flow as it shall be: what is left out takes its default; canvas and triggers stay then."""

    row_version: int | UnsetType = UNSET


class FlowPatch(ApiStruct):
    """What to change; `triggers` are all that the flow has beside its canvas."""

    triggers: list[TriggerBody] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    folder_id: UUID | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    pipeline_type: PipelineType | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    variables: dict[str, Any] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class Validation(Struct, kw_only=True):
    """Everything that is wrong with a flow."""

    valid: bool
    problems: list[FlowProblem]


class FlowsController(Controller):
    """Flows and their canvas."""

    path = "/flows"
    tags = ("flows",)

    @get("/", opt=scoped("flow:read"))
    async def list_flows(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        workspace_id: FromQuery[UUID | None] = None,
        folder_id: FromQuery[UUID | None] = None,
        status: FromQuery[Status | None] = None,
        kind: FromQuery[Kind | None] = None,
        q: FromQuery[str] = "",
        sort: FromQuery[str] = "-updated_at",
    ) -> Envelope[list[FlowOut]]:
        """Flows, newest change first."""
        async with ctx.transaction() as session:
            rows, total = await flows.list_(
                session, ctx.actor, workspace_id=workspace_id, folder_id=folder_id, status=status, kind=kind, q=q,
                sort=sort, limit=paging.limit, offset=paging.offset,
            )  # fmt: skip
        return page_of([shown(FlowOut, row) for row in rows], total, paging)

    @post("/", opt=scoped("flow:create"))
    async def create_flow(
        self, ctx: NamedDependency[Context], data: JSONBody[FlowBody], kind: FromQuery[Kind | None] = None
    ) -> Envelope[FlowOut]:
        """Make a flow; of the `kind` of the query, when there is one."""
        async with ctx.transaction() as session:
            fields = given(data, "definition", "workspace_id", "name", "triggers")
            fields["kind"] = kind or data.kind
            definition = data.definition.document() if data.definition else None
            made = await make(ctx, session, data.workspace_id, checked_name(data.name), definition, fields)
            await _declare(ctx, session, made.id, data.triggers)
            return ok(made)

    @get("/{flow_id:uuid}", opt=permission("flow:read"))
    async def get_flow(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Envelope[FlowOut]:
        """One flow."""
        async with ctx.transaction() as session:
            return ok(shown(FlowOut, await flows.get(session, ctx.actor, flow_id)))

    @patch("/{flow_id:uuid}", opt=permission("flow:update"))
    async def update_flow(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        data: JSONBody[FlowPatch],
        if_match: IfMatch = None,
    ) -> Envelope[FlowOut]:
        """Change what is given."""
        async with ctx.transaction() as session:
            stored = await flows.get(session, ctx.actor, flow_id)
            version = base_version(if_match, data.row_version, "flow")
            row = await _update(ctx, session, flow_id, merged(data, stored, "row_version", "triggers"), version)
            await _declare(ctx, session, flow_id, None if data.triggers is UNSET else data.triggers)
            changed = shown(FlowOut, row)
        await flow_changed(ctx, flow_id, "fields", changed.row_version)
        return ok(changed)

    @put("/{flow_id:uuid}", opt=permission("flow:update"))
    async def replace_flow(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[FlowPut], if_match: IfMatch = None
    ) -> Envelope[FlowOut]:
        """Put a whole flow: fields, canvas and triggers in one transaction."""
        async with ctx.transaction() as session:
            stored = await flows.get(session, ctx.actor, flow_id)
            if data.workspace_id not in {None, stored.workspace_id}:
                raise ConfigError("a flow stays in its workspace; leave out workspace_id", field="workspace_id")
            version = base_version(if_match, data.row_version, "flow")
            fields = given(data, "row_version", "triggers", "definition", "workspace_id")
            row = await _update(ctx, session, flow_id, fields, version)
            if data.definition is not None:
                before = await flows.get_data(session, ctx.actor, flow_id)
                await flows.put_data(session, ctx.actor, flow_id, data.definition.document(), before.row_version)
                await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id)
            await _declare(ctx, session, flow_id, data.triggers)
            changed = shown(FlowOut, row)
        await flow_changed(ctx, flow_id, "fields" if data.definition is None else "canvas", changed.row_version)
        return ok(changed)

    @delete("/{flow_id:uuid}", opt=permission("flow:delete"), status_code=200)
    async def delete_flow(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Move a flow to the trash."""
        async with ctx.transaction() as session:
            await flows.delete(session, ctx.actor, flow_id)
        await flow_changed(ctx, flow_id, "deleted")
        return ok({"id": flow_id})

    @post("/{flow_id:uuid}/restore", opt=permission("flow:restore"), status_code=200)
    async def restore_flow(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Envelope[FlowOut]:
        """Bring a flow back from the trash."""
        async with ctx.transaction() as session:
            row = await flows.restore(session, ctx.actor, flow_id)
            await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id)
            restored = shown(FlowOut, row)
        await flow_changed(ctx, flow_id, "restored", restored.row_version)
        return ok(restored)

    @get("/{flow_id:uuid}/data", opt=permission("flow:read"))
    async def get_data(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Envelope[dict[str, Any]]:
        """The canvas, with the version that a save builds on."""
        async with ctx.transaction() as session:
            data = await flows.get_data(session, ctx.actor, flow_id)
            pinned = await pins.find(session, ctx.organization_id, flow_id)
        shown_ = {**flows.EMPTY, **data.definition, "row_version": data.row_version, "updated_at": data.updated_at}
        answer = ok(shown_)
        answer.meta.pins = {pin.node_id: pin.shown() for pin in pinned}
        return answer

    @put("/{flow_id:uuid}/data", opt=permission("flow:update"))
    async def put_data(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[Canvas], if_match: IfMatch = None
    ) -> Envelope[dict[str, Any]]:
        """Save the canvas."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            version = base_version(if_match, data.row_version, "canvas")
            saved = await flows.put_data(session, ctx.actor, flow_id, data.document(), version)
            await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id)
            version, at = saved.row_version, saved.updated_at
        await flow_changed(ctx, flow_id, "canvas", version)
        return ok({"row_version": version, "updated_at": at})

    @post("/{flow_id:uuid}/validate", opt=permission("flow:read"), status_code=200)
    async def validate_flow(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[Draft | None] = None
    ) -> Envelope[Validation]:
        """Find everything that is wrong with the stored canvas, or the one in the body."""
        async with ctx.transaction() as session:
            stored = await flows.get_data(session, ctx.actor, flow_id)
            names = await connections.names(session, ctx.organization_id)
            features = await entitlements.enabled_features(session)
        unsaved = given(data) if data is not None and data.nodes is not UNSET else None
        graph = graph_of(unsaved or stored.definition)
        on = {key for key, enabled in features.items() if enabled}
        problems = validate(graph, ctx.registry, connections=names, features=on)
        return ok(Validation(valid=not any(one.severity == "error" for one in problems), problems=problems))


async def _update(
    ctx: Context, session: AsyncSession, flow_id: UUID, changes: dict[str, Any], version: int | None
) -> Flow:
    policy_of(changes.get("settings", {}))
    if changes.get("status") == "active":
        refuse_blocked(graph_of((await flows.get_data(session, ctx.actor, flow_id)).definition), ctx.registry)
    if "name" in changes:
        changes["name"] = checked_name(changes["name"])
    row = await flows.get(session, ctx.actor, flow_id)
    if row.kind in {"job", "job_package"} and changes.get("settings", row.settings).get("job") != row.settings.get(
        "job"
    ):
        raise ConfigError("what a job does is changed by its own address; leave 'job' as it is", field="settings")
    if "folder_id" in changes and changes["folder_id"] != row.folder_id:
        await tree.move_into(session, ctx.actor, "flow", flow_id, row.workspace_id, changes["folder_id"])
    return await flows.update(session, ctx.actor, flow_id, changes, version)


async def _declare(ctx: Context, session: AsyncSession, flow_id: UUID, wanted: list[TriggerBody] | None) -> None:
    """Make the triggers of a body; whoever may not make triggers may not so either."""
    if wanted is None:
        return
    for right in ("trigger:create", "trigger:update"):
        await reach(session, ctx.actor, right, "flow", flow_id)
    made = [declared.Declared(type=one.trigger_type, **given(one, "trigger_type", "row_version")) for one in wanted]
    await declared.declare(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id, made)


async def make(
    ctx: Context,
    session: AsyncSession,
    workspace_id: UUID | None,
    name: str,
    definition: dict[str, Any] | None,
    fields: dict[str, Any],
) -> FlowOut:
    """Create a flow where the actor may see the workspace and the folder."""
    policy_of(fields.get("settings", {}))
    if fields.get("status") == "active" and definition:
        refuse_blocked(graph_of(definition), ctx.registry)
    workspace_id = await place_of(session, ctx, "flow:create", workspace_id, fields.get("folder_id"))
    row = await flows.create(session, ctx.actor, workspace_id=workspace_id, name=name, definition=definition, **fields)
    await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, row.id)
    return shown(FlowOut, row)


async def place_of(
    session: AsyncSession, ctx: Context, permission: str, workspace_id: UUID | None, folder_id: UUID | None
) -> UUID:
    """The workspace that is meant, where the actor may do this: that of the folder, or the first, when none is named.

    Raises:
        NotFound: no such workspace, or no such folder in it.
        Denied: they may not do this there.
    """
    if workspace_id is None and folder_id is not None:
        workspace_id = (await tree.get_folder(session, ctx.actor, folder_id)).workspace_id
    if workspace_id is None:
        found, _ = await workspaces.list_workspaces(session, ctx.actor, per_page=1)
        if not found:
            raise ConfigError("there is no workspace yet; create one first", field="workspace_id")
        workspace_id = found[0].id
    await tree.require_place(session, ctx.actor, permission, workspace_id, folder_id)
    await workspaces.get_workspace(session, ctx.actor, workspace_id, right=None)
    return workspace_id


def checked_name(name: str) -> str:
    """A name of 1 to 255 characters.

    Raises:
        ConfigError: otherwise.
    """
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise ConfigError("a name has 1 to 255 characters", field="name")
    return name
