"""What executions have stored: a list of it, and the rows of a step as the file that they are."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

from headrace.executions import artifacts
from headrace.executions import service as executions
from headrace.executions.artifacts import Artifact
from headrace.files.transfer import pieces
from headrace.sdk.errors import Conflict, NotFound
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.guards import permission

_ODD = re.compile(r"[^A-Za-z0-9_-]+")


class ExecutionArtifactsController(Controller):
    """Artifacts."""

    path = "/executions/{execution_id:uuid}/artifacts"
    tags = ("executions",)

    @get("/", opt=permission("execution:read"))
    async def list_artifacts(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[Artifact]]:
        """Rows that the execution's steps have stored, by port, and its input when it is beside its row."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            return ok(await artifacts.artifacts(session, ctx.organization_id, execution_id))

    @get("/{node_id:str}/{port:str}", opt=permission("execution:read"), media_type="application/vnd.apache.parquet")
    async def download_artifact(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID], node_id: FromPath[str], port: FromPath[str]
    ) -> Stream:
        """The rows of a step at a port, as a Parquet file."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            found = await artifacts.artifacts(session, ctx.organization_id, execution_id)
        one = next((one for one in found if one.kind == "rows" and (one.node_id, one.port) == (node_id, port)), None)
        if one is None:
            raise NotFound("this step has stored no rows at this port; look at the list of artifacts")
        if one.part:
            raise Conflict("these rows are a part of a larger file; take them page by page from the step's preview")
        store = ctx.services.store
        size = await asyncio.to_thread(store.size_bytes, ctx.organization_id, one.key)
        name = _ODD.sub("-", f"{node_id}-{port}").strip("-") or "rows"
        told = {"Content-Length": str(size), "Content-Disposition": f'attachment; filename="{name}.parquet"'}
        return Stream(pieces(store, ctx.organization_id, one.key), headers=told)
