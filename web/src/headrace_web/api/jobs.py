"""Jobs: flows in an order, and packages of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.connections import service as connections
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.flows.models import Flow
from headrace.jobs import service as jobs
from headrace.jobs.service import Kind, Member, Plan
from headrace.workspaces import tree
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from headrace_web.api.executions import IdempotencyKey, _accepted, _listed, _own
from headrace_web.api.flows import IfMatch, checked_name, workspace_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, ok, page_of
from headrace_web.guards import permission

OnFailure = Literal["stop", "continue"]
Schedule = Literal["manual", "cron", "trigger"]
Short = Annotated[str, Meta(max_length=50)]


class JobOut(Struct, kw_only=True):
    """A job: its members in `flows` (`job_ids` of a package, in their order), and when it is executed."""

    id: UUID
    workspace_id: UUID
    folder_id: UUID | None
    name: str
    description: str
    flows: list[Member]
    job_ids: list[UUID]
    on_failure: str
    environment: str
    schedule_type: str
    cron_expression: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    row_version: int


class JobBody(ApiStruct):
    """A new job."""

    name: str
    workspace_id: UUID | None = None
    folder_id: UUID | None = None
    description: str = ""
    flows: list[Member] = []
    on_failure: OnFailure = "stop"
    environment: Short = "development"
    schedule_type: Schedule = "manual"
    cron_expression: str = ""
    timezone: str = "UTC"


class JobPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    folder_id: UUID | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    flows: list[Member] | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET
    environment: Short | UnsetType = UNSET
    schedule_type: Schedule | UnsetType = UNSET
    cron_expression: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class PackageBody(ApiStruct):
    """A new package; its jobs are executed one after the other."""

    name: str
    workspace_id: UUID | None = None
    description: str = ""
    job_ids: list[UUID] = []
    on_failure: OnFailure = "stop"
    schedule_type: Schedule = "manual"
    cron_expression: str = ""
    timezone: str = "UTC"


class PackagePatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    job_ids: list[UUID] | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET
    schedule_type: Schedule | UnsetType = UNSET
    cron_expression: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class JobsController(Controller):
    """Jobs."""

    path = "/"
    tags = ("jobs",)

    @get("/folders/{folder_id:uuid}/jobs", opt=permission("job:read"))
    async def list_jobs(
        self, ctx: NamedDependency[Context], folder_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[JobOut]]:
        """Jobs of a folder, by name."""
        async with ctx.transaction() as session:
            await tree.get_folder(session, ctx.actor, folder_id)
        return await _list(ctx, "job", paging, folder_id)

    @post("/folders/{folder_id:uuid}/jobs", opt=permission("job:create"))
    async def create_job_in_folder(
        self, ctx: NamedDependency[Context], folder_id: FromPath[UUID], data: JSONBody[JobBody]
    ) -> Envelope[JobOut]:
        """Make a job in a folder."""
        return await _create_job(ctx, structs.replace(data, folder_id=folder_id))

    @get("/jobs", opt=permission("job:read"))
    async def list_all_jobs(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], folder_id: FromQuery[UUID | None] = None
    ) -> Envelope[list[JobOut]]:
        """All jobs, by name."""
        return await _list(ctx, "job", paging, folder_id)

    @post("/jobs", opt=permission("job:create"))
    async def create_job(self, ctx: NamedDependency[Context], data: JSONBody[JobBody]) -> Envelope[JobOut]:
        """Make a job."""
        return await _create_job(ctx, data)

    @get("/jobs/{job_id:uuid}", opt=permission("job:read"))
    async def get_job(self, ctx: NamedDependency[Context], job_id: FromPath[UUID]) -> Envelope[JobOut]:
        """A job."""
        async with ctx.transaction() as session:
            return ok(_shown(await jobs.get(session, ctx.actor, "job", job_id)))

    @patch("/jobs/{job_id:uuid}", opt=permission("job:update"))
    async def update_job(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], data: JSONBody[JobPatch], if_match: IfMatch = None
    ) -> Envelope[JobOut]:
        """Change a job."""
        return await _update(
            ctx, "job", job_id, given(data, "row_version"), base_version(if_match, data.row_version, "job")
        )

    @put("/jobs/{job_id:uuid}", opt=permission("job:update"))
    async def replace_job(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], data: JSONBody[JobPatch], if_match: IfMatch = None
    ) -> Envelope[JobOut]:
        """Change a job."""
        return await _update(
            ctx, "job", job_id, given(data, "row_version"), base_version(if_match, data.row_version, "job")
        )

    @delete("/jobs/{job_id:uuid}", opt=permission("job:delete"), status_code=200)
    async def delete_job(self, ctx: NamedDependency[Context], job_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Move a job to the trash."""
        return await _delete(ctx, "job", job_id)

    @get("/jobs/{job_id:uuid}/flows", opt=permission("job:read"))
    async def list_job_flows(self, ctx: NamedDependency[Context], job_id: FromPath[UUID]) -> Envelope[list[Member]]:
        """Flows of a job, with what they wait for."""
        async with ctx.transaction() as session:
            return ok(list(jobs.plan_of(await jobs.get(session, ctx.actor, "job", job_id)).members))

    @post("/jobs/{job_id:uuid}/flows", opt=permission("job:update"))
    async def add_job_flow(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], data: JSONBody[Member]
    ) -> Envelope[JobOut]:
        """Put a flow into a job."""
        async with ctx.transaction() as session:
            row = await jobs.get(session, ctx.actor, "job", job_id)
            members, version = [*jobs.plan_of(row).members, data], row.row_version
        return await _update(ctx, "job", job_id, {"flows": members}, version)

    @post("/jobs/{job_id:uuid}/execute", opt=permission("job:execute"), status_code=202)
    async def execute_job(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], idempotency_key: IdempotencyKey = None
    ) -> Response[Envelope[dict[str, Any]]]:
        """Execute a job now."""
        return await _execute(ctx, "job", job_id, idempotency_key)

    @get("/jobs/{job_id:uuid}/executions", opt=permission("execution:read"))
    async def list_job_executions(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[dict[str, Any]]]:
        """Executions of a job, newest first."""
        async with ctx.transaction() as session:
            await jobs.get(session, ctx.actor, "job", job_id)
            rows, total = await executions.find(
                session, ctx.organization_id, flow_id=job_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([_listed(row) for row in rows], total, paging)


class PackagesController(Controller):
    """Packages of jobs."""

    path = "/job-packages"
    tags = ("jobs",)

    @get("/", opt=permission("job:read"))
    async def list_packages(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[JobOut]]:
        """Packages, by name."""
        return await _list(ctx, "job_package", paging, None)

    @post("/", opt=permission("job:create"))
    async def create_package(self, ctx: NamedDependency[Context], data: JSONBody[PackageBody]) -> Envelope[JobOut]:
        """Make a package."""
        plan = Plan(
            members=jobs.in_order(data.job_ids), on_failure=data.on_failure, schedule_type=data.schedule_type,
            cron_expression=data.cron_expression, timezone=data.timezone,
        )  # fmt: skip
        return await _create(ctx, "job_package", data.name, data.workspace_id, None, data.description, plan)

    @get("/{package_id:uuid}", opt=permission("job:read"))
    async def get_package(self, ctx: NamedDependency[Context], package_id: FromPath[UUID]) -> Envelope[JobOut]:
        """A package."""
        async with ctx.transaction() as session:
            return ok(_shown(await jobs.get(session, ctx.actor, "job_package", package_id)))

    @patch("/{package_id:uuid}", opt=permission("job:update"))
    async def update_package(
        self, ctx: NamedDependency[Context], package_id: FromPath[UUID], data: JSONBody[PackagePatch],
        if_match: IfMatch = None,
    ) -> Envelope[JobOut]:  # fmt: skip
        """Change a package."""
        changes = given(data, "row_version")
        if "job_ids" in changes:
            changes["flows"] = list(jobs.in_order(changes.pop("job_ids")))
        return await _update(ctx, "job_package", package_id, changes, base_version(if_match, data.row_version, "job"))

    @delete("/{package_id:uuid}", opt=permission("job:delete"), status_code=200)
    async def delete_package(
        self, ctx: NamedDependency[Context], package_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Move a package to the trash."""
        return await _delete(ctx, "job_package", package_id)

    @post("/{package_id:uuid}/execute", opt=permission("job:execute"), status_code=202)
    async def execute_package(
        self, ctx: NamedDependency[Context], package_id: FromPath[UUID], idempotency_key: IdempotencyKey = None
    ) -> Response[Envelope[dict[str, Any]]]:
        """Execute a package now."""
        return await _execute(ctx, "job_package", package_id, idempotency_key)


def _shown(row: Flow) -> JobOut:
    plan = jobs.plan_of(row)
    members = list(plan.members)
    return JobOut(
        id=row.id, workspace_id=row.workspace_id, folder_id=row.folder_id, name=row.name, description=row.description,
        flows=members if row.kind == "job" else [], job_ids=[m.flow_id for m in members if row.kind == "job_package"],
        on_failure=plan.on_failure, environment=plan.environment, schedule_type=plan.schedule_type,
        cron_expression=plan.cron_expression, timezone=plan.timezone, created_at=row.created_at,
        updated_at=row.updated_at, row_version=row.row_version,
    )  # fmt: skip


async def _list(ctx: Context, kind: Kind, paging: Paging, folder_id: UUID | None) -> Envelope[list[JobOut]]:
    async with ctx.transaction() as session:
        rows, total = await jobs.list_(
            session, ctx.actor, kind, folder_id=folder_id, limit=paging.limit, offset=paging.offset
        )
        return page_of([_shown(row) for row in rows], total, paging)


async def _create_job(ctx: Context, data: JobBody) -> Envelope[JobOut]:
    plan = Plan(
        members=tuple(data.flows), on_failure=data.on_failure, environment=data.environment,
        schedule_type=data.schedule_type, cron_expression=data.cron_expression, timezone=data.timezone,
    )  # fmt: skip
    return await _create(ctx, "job", data.name, data.workspace_id, data.folder_id, data.description, plan)


async def _create(
    ctx: Context, kind: Kind, name: str, workspace_id: UUID | None, folder_id: UUID | None, description: str, plan: Plan
) -> Envelope[JobOut]:
    async with ctx.transaction() as session:
        folder = await tree.get_folder(session, ctx.actor, folder_id) if folder_id else None
        home = folder.workspace_id if folder else await workspace_of(session, ctx, workspace_id)
        row = await jobs.create(
            session, ctx.actor, ctx.services.vault, ctx.registry, kind, workspace_id=home, name=checked_name(name),
            plan=plan, folder_id=folder_id, description=description,
        )  # fmt: skip
        await session.refresh(row)
        return ok(_shown(row))


async def _update(
    ctx: Context, kind: Kind, job_id: UUID, changes: dict[str, Any], row_version: int | None
) -> Envelope[JobOut]:
    async with ctx.transaction() as session:
        row = await jobs.get(session, ctx.actor, kind, job_id)
        if changes.get("folder_id") is not None:
            await tree.get_folder(session, ctx.actor, changes["folder_id"])
        said = {"members" if name == "flows" else name: value for name, value in changes.items()}
        plan = jobs.plan_of(row)
        plan = structs.replace(plan, **{n: said.pop(n) for n in list(said) if n in plan.__struct_fields__})
        plan = structs.replace(plan, members=tuple(plan.members))
        row = await jobs.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, kind, job_id, fields=said, plan=plan,
            row_version=row_version,
        )  # fmt: skip
        await session.refresh(row)
        return ok(_shown(row))


async def _delete(ctx: Context, kind: Kind, job_id: UUID) -> Envelope[dict[str, UUID]]:
    async with ctx.transaction() as session:
        await jobs.get(session, ctx.actor, kind, job_id)
        await flows.delete(session, ctx.actor, job_id)
    return ok({"id": job_id})


async def _execute(ctx: Context, kind: Kind, job_id: UUID, key: str | None) -> Response[Envelope[dict[str, Any]]]:
    async with ctx.transaction() as session:
        row = await jobs.get(session, ctx.actor, kind, job_id)
        names = await connections.names(session, ctx.organization_id)
        graph, digest = await flows.prepare(session, ctx.actor, job_id, ctx.registry, connections=names)
        execution_id = await executions.start(
            session, ctx.actor, flow_id=job_id, graph=graph, definition_hash=digest, host=ctx.services.host,
            environment=jobs.plan_of(row).environment, trigger_type="job", job_id=job_id, params=row.variables,
            idempotency_key=_own(ctx, key),
        )  # fmt: skip
        return _accepted(await executions.get(session, ctx.organization_id, execution_id))
