"""Jobs: flows in an order, and packages of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.connections import service as connections
from headrace.executions import service as executions
from headrace.executions.admission import policy_of
from headrace.flows import service as flows
from headrace.flows.models import Flow
from headrace.infra.merge_patch import merge_patch
from headrace.jobs import service as jobs
from headrace.jobs.service import Kind, Member, Plan
from headrace.sdk.errors import ConfigError
from headrace.workspaces import tree
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from headrace_web.api.executions import IdempotencyKey, _accepted, _listed, _own
from headrace_web.api.flows import IfMatch, checked_name, place_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, ok, page_of
from headrace_web.guards import permission, scoped

OnFailure = Literal["stop", "continue"]
Schedule = Literal["manual", "cron", "trigger"]
Short = Annotated[str, Meta(max_length=50)]
_PLAIN: dict[str, Any] = {"description": "", "is_active": True, "settings": {}}
"""What a job has that says nothing else, beside its plan."""


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
    is_active: bool
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    row_version: int


class _Change(ApiStruct):
    """What jobs and packages have alike; one that is not active keeps to no schedule. `settings` are as of flows."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET
    schedule_type: Schedule | UnsetType = UNSET
    cron_expression: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class JobPatch(_Change):
    """What to change."""

    folder_id: UUID | UnsetType | None = UNSET
    flows: list[Member] | UnsetType = UNSET
    environment: Short | UnsetType = UNSET


class JobBody(JobPatch, kw_only=True):
    """A new job."""

    name: str
    workspace_id: UUID | None = None


class JobPut(JobPatch, kw_only=True):
    """A job as it shall be: what is left out takes its default."""

    name: str


class PackagePatch(_Change):
    """What to change."""

    job_ids: list[UUID] | UnsetType = UNSET


class PackageBody(PackagePatch, kw_only=True):
    """A new package; its jobs are executed one after the other."""

    name: str
    workspace_id: UUID | None = None


class PackagePut(PackagePatch, kw_only=True):
    """A package as it shall be: what is left out takes its default."""

    name: str


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
            await tree.get_folder(session, ctx.actor, folder_id, right=None)
        return await _list(ctx, "job", paging, folder_id)

    @post("/folders/{folder_id:uuid}/jobs", opt=permission("job:create"))
    async def create_job_in_folder(
        self, ctx: NamedDependency[Context], folder_id: FromPath[UUID], data: JSONBody[JobBody]
    ) -> Envelope[JobOut]:
        """Make a job in a folder."""
        if data.folder_id not in {UNSET, None, folder_id}:
            raise ConfigError("the address names another folder; leave out folder_id", field="folder_id")
        return await _create(ctx, "job", structs.replace(data, folder_id=folder_id))

    @get("/jobs", opt=scoped("job:read"))
    async def list_all_jobs(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], folder_id: FromQuery[UUID | None] = None
    ) -> Envelope[list[JobOut]]:
        """All jobs, by name."""
        return await _list(ctx, "job", paging, folder_id)

    @post("/jobs", opt=scoped("job:create"))
    async def create_job(self, ctx: NamedDependency[Context], data: JSONBody[JobBody]) -> Envelope[JobOut]:
        """Make a job."""
        return await _create(ctx, "job", data)

    @get("/jobs/{job_id:uuid}", opt=permission("job:read"))
    async def get_job(self, ctx: NamedDependency[Context], job_id: FromPath[UUID]) -> Envelope[JobOut]:
        """A job."""
        async with ctx.transaction() as session:
            return ok(_shown(await jobs.get(session, ctx.actor, "job", job_id)))

    @patch("/jobs/{job_id:uuid}", opt=permission("job:update"))
    async def update_job(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], data: JSONBody[JobPatch], if_match: IfMatch = None
    ) -> Envelope[JobOut]:
        """Change what is given."""
        return await _update(
            ctx, "job", job_id, given(data, "row_version"), base_version(if_match, data.row_version, "job")
        )

    @put("/jobs/{job_id:uuid}", opt=permission("job:update"))
    async def replace_job(
        self, ctx: NamedDependency[Context], job_id: FromPath[UUID], data: JSONBody[JobPut], if_match: IfMatch = None
    ) -> Envelope[JobOut]:
        """Put the job as a whole."""
        changes = {**_PLAIN, "folder_id": None, **given(data, "row_version")}
        version = base_version(if_match, data.row_version, "job")
        return await _update(ctx, "job", job_id, changes, version, before=Plan())

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

    @get("/", opt=scoped("job:read"))
    async def list_packages(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[JobOut]]:
        """Packages, by name."""
        return await _list(ctx, "job_package", paging, None)

    @post("/", opt=scoped("job:create"))
    async def create_package(self, ctx: NamedDependency[Context], data: JSONBody[PackageBody]) -> Envelope[JobOut]:
        """Make a package."""
        return await _create(ctx, "job_package", data)

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
        """Change what is given."""
        changes = given(data, "row_version")
        return await _update(ctx, "job_package", package_id, changes, base_version(if_match, data.row_version, "job"))

    @put("/{package_id:uuid}", opt=permission("job:update"))
    async def replace_package(
        self, ctx: NamedDependency[Context], package_id: FromPath[UUID], data: JSONBody[PackagePut],
        if_match: IfMatch = None,
    ) -> Envelope[JobOut]:  # fmt: skip
        """Put the package as a whole."""
        changes = {**_PLAIN, **given(data, "row_version")}
        version = base_version(if_match, data.row_version, "job")
        return await _update(ctx, "job_package", package_id, changes, version, before=Plan())

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
        cron_expression=plan.cron_expression, timezone=plan.timezone, is_active=row.status == "active",
        settings={name: value for name, value in row.settings.items() if name != "job"}, created_at=row.created_at,
        updated_at=row.updated_at, row_version=row.row_version,
    )  # fmt: skip


async def _list(ctx: Context, kind: Kind, paging: Paging, folder_id: UUID | None) -> Envelope[list[JobOut]]:
    async with ctx.transaction() as session:
        rows, total = await jobs.list_(
            session, ctx.actor, kind, folder_id=folder_id, limit=paging.limit, offset=paging.offset
        )
        return page_of([_shown(row) for row in rows], total, paging)


async def _create(ctx: Context, kind: Kind, data: JobBody | PackageBody) -> Envelope[JobOut]:
    plan, fields = _split(Plan(), given(data, "row_version", "workspace_id"))
    async with ctx.transaction() as session:
        folder_id = fields.get("folder_id")
        home = await place_of(session, ctx, "job:create", None if folder_id else data.workspace_id, folder_id)
        if folder_id and data.workspace_id not in {None, home}:
            raise ConfigError("the folder is in another workspace; leave out workspace_id", field="workspace_id")
        row = await jobs.create(
            session, ctx.actor, ctx.services.vault, ctx.registry, kind, workspace_id=home, plan=plan,
            **{**fields, "name": checked_name(data.name)},
        )  # fmt: skip
        await session.refresh(row)
        return ok(_shown(row))


async def _update(
    ctx: Context, kind: Kind, job_id: UUID, changes: dict[str, Any], row_version: int | None,
    *, before: Plan | None = None,
) -> Envelope[JobOut]:  # fmt: skip
    async with ctx.transaction() as session:
        row = await jobs.get(session, ctx.actor, kind, job_id)
        if before is None and "settings" in changes:
            changes["settings"] = merge_patch(_shown(row).settings, changes["settings"])
        plan, fields = _split(before or jobs.plan_of(row), changes)
        if "folder_id" in fields and fields["folder_id"] != row.folder_id:
            await tree.move_into(session, ctx.actor, "job", job_id, row.workspace_id, fields["folder_id"])
        row = await jobs.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, kind, job_id, fields=fields, plan=plan,
            row_version=row_version,
        )  # fmt: skip
        await session.refresh(row)
        return ok(_shown(row))


def _split(plan: Plan, changes: dict[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """The plan with what a body says of it, and the fields of the flow that keeps it."""
    if "flows" in changes:
        changes["members"] = tuple(changes.pop("flows"))
    if "job_ids" in changes:
        changes["members"] = jobs.in_order(changes.pop("job_ids"))
    if (active := changes.pop("is_active", None)) is not None:
        changes["status"] = "active" if active else "inactive"
    if "settings" in changes:
        policy_of(changes["settings"])
    said = {name: changes.pop(name) for name in list(changes) if name in plan.__struct_fields__}
    return structs.replace(plan, **said), changes


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
