"""Flows: the only door to their tables. The session is of the actor's organization; nothing commits here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.references import refuse_new
from headrace.access.resolve import reached
from headrace.accounts.permissions import Actor
from headrace.entitlements.service import require_writable, reserve
from headrace.flows.canvas import BYTES_MAX, content_hash, graph_of
from headrace.flows.graph import FlowGraph
from headrace.flows.models import Flow, FlowData, FlowDefinition
from headrace.flows.validate import NodeTypes, validate
from headrace.infra.clock import now
from headrace.sdk.errors import ConfigError, Conflict, NotFound, PreconditionFailed, PreconditionRequired
from headrace.workspaces import service as workspaces
from headrace.workspaces.models import Folder

EMPTY: dict[str, Any] = {"nodes": [], "edges": [], "viewport": {"x": 0, "y": 0, "zoom": 1}}
EDITABLE = frozenset(
    {"name", "description", "kind", "pipeline_type", "status", "tags", "variables", "settings", "folder_id"}
)
SORTS = {
    "name": Flow.name,
    "created_at": Flow.created_at,
    "updated_at": Flow.updated_at,
    "last_execution_at": Flow.last_execution_at,
}


class Who(Protocol):
    """Who acts."""

    @property
    def user_id(self) -> UUID | None:
        """User, if it is one."""

    @property
    def organization_id(self) -> UUID:
        """Whose rows."""


async def create(
    session: AsyncSession, actor: Actor, *, workspace_id: UUID, name: str, definition: dict[str, Any] | None = None,
    **fields: Any,
) -> Flow:  # fmt: skip
    """Create a flow with its canvas.

    Raises:
        Denied: it uses what the actor may not.
        Conflict: the name is taken in that folder.
        ConfigError: the canvas is malformed.
        LimitReached: the plan's flows are used up; exact under parallel creates.
    """
    graph_of(definition or EMPTY)
    await refuse_new(session, actor, None, definition or EMPTY)
    await _refuse_taken(session, actor, workspace_id, fields.get("folder_id"), name)
    unknown = fields.keys() - EDITABLE
    if unknown:
        raise ConfigError(f"a flow has no field '{min(unknown)}'", field=min(unknown))
    within = {"workspace": workspace_id, "user": actor.user_id}
    await reserve(session, "flows", organization_id=actor.organization_id, within=within)
    flow = Flow(
        organization_id=actor.organization_id, workspace_id=workspace_id, name=name, created_by=actor.user_id,
        updated_by=actor.user_id, **fields,
    )  # fmt: skip
    session.add(flow)
    await session.flush()
    session.add(FlowData(organization_id=actor.organization_id, flow_id=flow.id, definition=definition or EMPTY,
                         updated_by=actor.user_id))  # fmt: skip
    await session.flush()
    return flow


async def _refuse_taken(
    session: AsyncSession, actor: Who, workspace_id: UUID, folder_id: UUID | None, name: str, but: UUID | None = None
) -> None:
    taken = sa.select(Flow.id).where(
        Flow.organization_id == actor.organization_id, Flow.workspace_id == workspace_id,
        Flow.folder_id.is_not_distinct_from(folder_id), sa.func.lower(Flow.name) == name.lower(),
        Flow.deleted_at.is_(None), Flow.id != but if but else sa.true(),
    )  # fmt: skip
    if await session.scalar(taken):
        raise Conflict(f"there is a flow '{name}' in this folder already; choose another name", field="name")


async def get(session: AsyncSession, actor: Who, flow_id: UUID) -> Flow:
    """A flow.

    Raises:
        NotFound: it does not exist, is deleted, or belongs to others.
    """
    flow = await session.get(Flow, (actor.organization_id, flow_id))
    if flow is None or flow.deleted_at is not None:
        raise NotFound("there is no such flow", resource="flow")
    return flow


async def find(session: AsyncSession, actor: Who, *, workspace_id: UUID, name: str) -> Flow | None:
    """A live flow by its name."""
    query = sa.select(Flow).where(
        Flow.organization_id == actor.organization_id, Flow.workspace_id == workspace_id,
        sa.func.lower(Flow.name) == name.lower(), Flow.deleted_at.is_(None),
    )  # fmt: skip
    found: Flow | None = await session.scalar(query.limit(1))
    return found


async def list_(
    session: AsyncSession,
    actor: Actor,
    *,
    workspace_id: UUID | None = None,
    folder_id: UUID | None = None,
    status: str | None = None,
    kind: str | None = None,
    q: str = "",
    sort: str = "-updated_at",
    limit: int = 20,
    offset: int = 0,
) -> tuple[Sequence[Flow], int]:
    """A page of the flows that the actor may read, and how many there are in all."""
    query = sa.select(Flow).where(
        Flow.organization_id == actor.organization_id, Flow.deleted_at.is_(None),
        reached(actor, "flow:read", "flow", Flow.id),
    )  # fmt: skip
    for column, value in (
        (Flow.workspace_id, workspace_id),
        (Flow.folder_id, folder_id),
        (Flow.status, status),
        (Flow.kind, kind),
    ):
        if value is not None:
            query = query.where(column == value)
    if q:
        query = query.where(
            sa.or_(Flow.name.icontains(q, autoescape=True), Flow.description.icontains(q, autoescape=True))
        )
    if kind is None:
        query = query.where(Flow.kind.not_in(("job", "job_package")))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    sort_by = SORTS.get(sort.lstrip("-"))
    if sort_by is None:
        raise ConfigError(f"flows cannot be sorted by '{sort}'; choose {', '.join(SORTS)}", field="sort")
    order = sort_by.desc().nulls_last() if sort.startswith("-") else sort_by.asc()
    rows = await session.scalars(query.order_by(order, Flow.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def count(session: AsyncSession, organization_id: UUID) -> int:
    """How many live flows an organization has."""
    query = sa.select(sa.func.count()).where(Flow.organization_id == organization_id, Flow.deleted_at.is_(None))
    return await session.scalar(query) or 0


async def update(
    session: AsyncSession, actor: Who, flow_id: UUID, changes: dict[str, Any], row_version: int | None
) -> Flow:
    """Change metadata.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        LimitReached: after a downgrade, it is beyond what the plan allows.
    """
    flow = await get(session, actor, flow_id)
    check_version(flow.row_version, row_version, "flow")
    await require_writable(session, "flows", flow_id, organization_id=actor.organization_id)
    unknown = changes.keys() - EDITABLE
    if unknown:
        raise ConfigError(f"'{min(unknown)}' of a flow cannot be changed", field=min(unknown))
    if "name" in changes:
        await _refuse_taken(
            session, actor, flow.workspace_id, changes.get("folder_id", flow.folder_id), changes["name"], flow_id
        )
    for name, value in changes.items():
        setattr(flow, name, value)
    flow.updated_by, flow.updated_at = actor.user_id, now()
    await session.flush()
    return flow


def check_version(current: int, given: int | None, what: str) -> None:
    """Compare base versions.

    Raises:
        PreconditionRequired, PreconditionFailed: none given, or stale.
    """
    if given is None:
        raise PreconditionRequired(f"changing a {what} needs its row_version (or If-Match); load it first")
    if given != current:
        raise PreconditionFailed(
            f"the {what} was changed by somebody else (version {current}, yours is {given}); load it and try again",
            current=current,
        )


async def delete(session: AsyncSession, actor: Who, flow_id: UUID) -> None:
    """Move a flow to the trash."""
    flow = await get(session, actor, flow_id)
    flow.deleted_at, flow.updated_by = now(), actor.user_id
    await session.flush()


async def restore(session: AsyncSession, actor: Actor, flow_id: UUID) -> Flow:
    """Bring back a flow from the trash.

    Raises:
        NotFound: it is not deleted, or there is none, or its workspace or folder is gone.
        Conflict: its name has been taken meanwhile.
        LimitReached: the plan has no room for it.
    """
    flow = await session.get(Flow, (actor.organization_id, flow_id), with_for_update=True)
    if flow is None or flow.deleted_at is None:
        raise NotFound("there is no such deleted flow", resource="flow")
    await workspaces.get_workspace(session, actor, flow.workspace_id, right=None)
    if flow.folder_id is not None and not await session.scalar(
        sa.select(Folder.id).where(
            Folder.organization_id == actor.organization_id, Folder.id == flow.folder_id, Folder.deleted_at.is_(None)
        )
    ):
        raise NotFound("the folder of this flow is deleted too", resource="folder")
    await _refuse_taken(session, actor, flow.workspace_id, flow.folder_id, flow.name)
    within = {"workspace": flow.workspace_id, "user": flow.created_by}
    await reserve(session, "flows", organization_id=actor.organization_id, within=within)
    flow.deleted_at, flow.updated_by = None, actor.user_id
    await session.flush()
    return flow


async def _delete_with(
    session: AsyncSession, actor: Actor, workspace_ids: list[UUID], folder_ids: list[UUID], at: datetime
) -> None:
    """Flows go with their workspace or folder."""
    inside = sa.or_(Flow.workspace_id.in_(workspace_ids), Flow.folder_id.in_(folder_ids))
    await session.execute(
        sa.update(Flow)
        .where(Flow.organization_id == actor.organization_id, Flow.deleted_at.is_(None), inside)
        .values(deleted_at=at, row_version=Flow.row_version + 1)
    )


async def _restore_with(
    session: AsyncSession, actor: Actor, workspace_ids: list[UUID], folder_ids: list[UUID], at: datetime
) -> None:
    """Flows deleted together with a workspace or folder come back with it, if the plan has room for all of them."""
    inside = sa.or_(Flow.workspace_id.in_(workspace_ids), Flow.folder_id.in_(folder_ids))
    back = await session.execute(
        sa.update(Flow)
        .where(Flow.organization_id == actor.organization_id, Flow.deleted_at == at, inside)
        .values(deleted_at=None, row_version=Flow.row_version + 1)
        .returning(Flow.workspace_id, Flow.created_by)
        .execution_options(synchronize_session=False)
    )
    whose = sorted({(row.workspace_id, row.created_by) for row in back}, key=str) or [(None, None)]
    for workspace_id, user_id in whose:
        within = {"workspace": workspace_id, "user": user_id}
        await reserve(session, "flows", organization_id=actor.organization_id, more=0, within=within)


workspaces.on_delete.append(_delete_with)
workspaces.on_restore.append(_restore_with)


async def get_data(session: AsyncSession, actor: Who, flow_id: UUID) -> FlowData:
    """The canvas of a flow."""
    await get(session, actor, flow_id)
    return await session.get_one(FlowData, (actor.organization_id, flow_id))


async def put_data(
    session: AsyncSession, actor: Actor, flow_id: UUID, definition: dict[str, Any], row_version: int | None
) -> FlowData:
    """Save the canvas; unknown keys and node types stay as they are.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        Denied: it uses a connection or flow that it did not use before, and that the actor may not.
        ConfigError: malformed, or beyond 16 MiB.
        LimitReached: after a downgrade, it is beyond what the plan allows.
    """
    data = await get_data(session, actor, flow_id)
    check_version(data.row_version, row_version, "canvas")
    await require_writable(session, "flows", flow_id, organization_id=actor.organization_id)
    graph_of(definition)
    if len(msgspec.json.encode(definition)) > BYTES_MAX:
        raise ConfigError("the canvas is larger than 16 MiB; split it into sub-flows")
    await refuse_new(session, actor, data.definition, definition)
    data.definition, data.updated_by, data.updated_at = definition, actor.user_id, now()
    await session.flush()
    return data


async def prepare(
    session: AsyncSession, actor: Who, flow_id: UUID, types: NodeTypes, *, connections: Collection[str] | None = None,
    only: set[str] | None = None,
) -> tuple[FlowGraph, str]:  # fmt: skip
    """The graph to execute and the hash of its stored definition.

    Args:
        session: Of the actor's organization.
        actor: Who executes.
        flow_id: The flow.
        types: The plugin registry.
        connections: Names and ids of the connections there are.
        only: Nodes to execute with what they need; all when None.

    Raises:
        ConfigError: the flow has problems; `details.problems` lists them.
    """
    data = await get_data(session, actor, flow_id)
    graph = graph_of(data.definition)
    if only is not None:
        graph = graph.only({upstream for node in only for upstream in graph.upstream(node)})
    return checked(graph, types, connections), await remember(session, actor, flow_id, data.definition)


def checked(graph: FlowGraph, types: NodeTypes, connections: Collection[str] | None = None) -> FlowGraph:
    """The graph, if it can be executed.

    Raises:
        ConfigError: it has problems; `details.problems` lists them.
    """
    if not graph.nodes:
        raise ConfigError("the flow has no steps; add one first")
    problems = [p for p in validate(graph, types, connections=connections) if p.severity == "error"]
    if problems:
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        raise ConfigError(problems[0].message + more, hint=problems[0].fix, problems=msgspec.to_builtins(problems))
    return graph


async def remember(session: AsyncSession, actor: Who, flow_id: UUID, definition: dict[str, Any]) -> str:
    """Store a definition under its content hash."""
    digest = content_hash(graph_of(definition))
    row = insert(FlowDefinition).values(
        organization_id=actor.organization_id,
        flow_id=flow_id,
        content_hash=digest,
        definition=definition,
        created_at=now(),
    )
    await session.execute(row.on_conflict_do_nothing())
    return digest
