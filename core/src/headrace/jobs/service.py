"""Make, change and read jobs. What is executed is the job's own flow, whose steps call its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.grants import refuse_gain
from headrace.access.resolve import reached
from headrace.connections.service import Vault
from headrace.flows import service as flows
from headrace.flows.canvas import canvas_of
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.flows.models import Flow, FlowData
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, NotFound
from headrace.triggers import service as triggers
from headrace.triggers.models import Trigger

Kind = Literal["job", "job_package"]
MEMBERS_MAX = 500
_OUTCOME = "outcome"


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """A flow of a job (a job of a package), and what has to be done before it."""

    flow_id: UUID
    depends_on: tuple[UUID, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What a job does, and when; kept in the settings of its flow."""

    members: tuple[Member, ...] = ()
    on_failure: Literal["stop", "continue"] = "stop"
    environment: str = "development"
    schedule_type: Literal["manual", "cron", "trigger"] = "manual"
    cron_expression: str = ""
    timezone: str = "UTC"


async def create(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, kind: Kind, *, workspace_id: UUID, name: str,
    plan: Plan, folder_id: UUID | None = None, description: str = "", settings: Mapping[str, Any] | None = None,
    status: str = "active",
) -> Flow:  # fmt: skip
    """Make a job. It acts on its schedule at once, unless its status says otherwise.

    Raises:
        ConfigError: a member is missing, or they wait for each other.
        Denied: the actor may not execute a member, or would have more rights over it through the job.
        Conflict: the name is taken.
    """
    names = await _names(session, actor, kind, plan)
    place, into = ("folder", folder_id) if folder_id else ("workspace", workspace_id)
    await _refuse_gain(session, actor, plan, Plan(), place, into)
    row = await flows.create(
        session, actor, workspace_id=workspace_id, name=name, definition=canvas_of(graph_of(plan, names)),
        description=description, folder_id=folder_id, kind=kind, status=status,
        settings={**(settings or {}), "job": msgspec.to_builtins(plan)},
    )  # fmt: skip
    await _schedule(session, actor, vault, registry, row, plan)
    return row


async def get(session: AsyncSession, actor: Any, kind: Kind, job_id: UUID) -> Flow:
    """A job.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(Flow, (actor.organization_id, job_id))
    if row is None or row.deleted_at is not None or row.kind != kind:
        raise NotFound(f"there is no such {_word(kind)}", resource=kind)
    return row


async def list_(
    session: AsyncSession, actor: Any, kind: Kind, *, folder_id: UUID | None = None, limit: int = 50, offset: int = 0
) -> tuple[Sequence[Flow], int]:
    """A page of the jobs that the actor may read, by name, and how many there are."""
    query = sa.select(Flow).where(
        Flow.organization_id == actor.organization_id, Flow.kind == kind, Flow.deleted_at.is_(None),
        reached(actor, "job:read", "flow", Flow.id),
    )  # fmt: skip
    if folder_id is not None:
        query = query.where(Flow.folder_id == folder_id)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(sa.func.lower(Flow.name), Flow.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, kind: Kind, job_id: UUID, *,
    fields: dict[str, Any], plan: Plan, row_version: int | None,
) -> Flow:  # fmt: skip
    """Change a job.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        ConfigError: as for `create`.
    """
    row = await get(session, actor, kind, job_id)
    names = await _names(session, actor, kind, plan, but=job_id)
    await _refuse_gain(session, actor, plan, plan_of(row), kind, job_id)
    settings = {**fields.get("settings", row.settings), "job": msgspec.to_builtins(plan)}
    row = await flows.update(session, actor, job_id, {**fields, "settings": settings}, row_version)
    data = await session.get_one(FlowData, (actor.organization_id, job_id))
    await flows.put_data(session, actor, job_id, canvas_of(graph_of(plan, names)), data.row_version)
    await _schedule(session, actor, vault, registry, row, plan)
    return row


def plan_of(row: Flow) -> Plan:
    """What a job does."""
    return msgspec.convert(row.settings.get("job", {}), Plan)


def graph_of(plan: Plan, names: Mapping[UUID, str]) -> FlowGraph:
    """The flow of a job: one call a member, in the order of what they wait for."""
    going_on = plan.on_failure == "continue"
    nodes = [
        NodeSpec(
            id=str(m.flow_id), type="control.subflow", label=names[m.flow_id],
            config={"flow": str(m.flow_id), "on_failure": "continue" if going_on else "fail"},
        )
        for m in plan.members
    ]  # fmt: skip
    edges = [
        Edge(source=str(before), source_port="done", target=str(m.flow_id), target_port="after")
        for m in plan.members
        for before in m.depends_on
    ]
    if going_on and nodes:
        ends = [Edge(source=node.id, source_port="done", target=_OUTCOME) for node in nodes]
        told = {"message": "flows of this job have failed; look at their executions", "where": "status <> 'completed'"}
        nodes += [
            NodeSpec(id=_OUTCOME, type="control.merge", label="Outcome"),
            NodeSpec(id="status", type="control.stop", label="One status", config=told),
        ]
        edges += [*ends, Edge(source=_OUTCOME, target="status")]
    return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


def in_order(ids: Sequence[UUID]) -> tuple[Member, ...]:
    """One after the other."""
    return tuple(Member(each, (ids[n - 1],) if n else ()) for n, each in enumerate(ids))


async def _names(
    session: AsyncSession, actor: Any, kind: Kind, plan: Plan, *, but: UUID | None = None
) -> dict[UUID, str]:
    """Names of the members; says what is wrong with them."""
    ids, field = [member.flow_id for member in plan.members], "flows" if kind == "job" else "job_ids"
    if len(ids) > MEMBERS_MAX:
        raise ConfigError(f"{len(ids)} members are too many; {MEMBERS_MAX} are the most", field=field)
    if len(set(ids)) < len(ids):
        raise ConfigError("a flow may be in a job once; remove the double one", field=field)
    query = sa.select(Flow.id, Flow.name).where(
        Flow.organization_id == actor.organization_id, Flow.deleted_at.is_(None), Flow.id.in_(ids),
        Flow.kind == "job" if kind == "job_package" else Flow.kind.not_in(("job", "job_package")),
    )  # fmt: skip
    names = {row.id: row.name for row in (await session.execute(query)).all()}
    for member in plan.members:
        if member.flow_id not in names or member.flow_id == but:
            what = "job" if kind == "job_package" else "flow"
            raise ConfigError(f"there is no {what} {member.flow_id}; choose another", field=field)
        for before in member.depends_on:
            if before not in ids:
                raise ConfigError(
                    f"'{names[member.flow_id]}' waits for {before}, which is not a member; add it", field=field
                )
    try:
        TopologicalSorter({m.flow_id: m.depends_on for m in plan.members}).prepare()
    except CycleError as error:
        ring = " > ".join(names[each] for each in error.args[1])
        raise ConfigError(f"these wait for each other: {ring}; remove one dependency", field=field) from None
    return names


async def _refuse_gain(session: AsyncSession, actor: Any, plan: Plan, before: Plan, place: str, into: UUID) -> None:
    """A grant on a job reaches its members: nobody gets rights over a flow by taking it into a job of theirs."""
    had = {member.flow_id for member in before.members}
    for member in plan.members:
        if member.flow_id not in had:
            await refuse_gain(session, actor, "flow", member.flow_id, place, into)


async def _schedule(session: AsyncSession, actor: Any, vault: Vault, registry: Registry, row: Flow, plan: Plan) -> None:
    """Make the job's own schedule what the plan says."""
    query = sa.select(Trigger).where(
        Trigger.organization_id == actor.organization_id, Trigger.flow_id == row.id, Trigger.deleted_at.is_(None),
        Trigger.type == "cron", Trigger.name == "schedule",
    )  # fmt: skip
    have = (await session.scalars(query)).one_or_none()
    wanted = {"expression": plan.cron_expression, "timezone": plan.timezone}
    if plan.schedule_type != "cron":
        if have is not None:
            await triggers.delete(session, actor, have.id)
        return
    if not plan.cron_expression:
        raise ConfigError("a schedule of cron needs an expression, e.g. 0 7 * * 1-5", field="cron_expression")
    if have is None:
        await triggers.create(
            session, actor, vault, registry, flow_id=row.id, type="cron", name="schedule", configuration=wanted
        )
    elif {key: have.configuration.get(key) for key in wanted} != wanted:
        changes = {"configuration": {**have.configuration, **wanted}}
        await triggers.update(session, actor, vault, registry, have.id, changes, have.row_version)


def _word(kind: Kind) -> str:
    return kind.replace("_", " ")
