"""Statistics of flows and workspaces, counted every few minutes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace.executions import statistics
from headrace.flows import service as flows
from headrace.workspaces import service as workspaces
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.guards import permission


class StatisticsController(Controller):
    """Statistics."""

    path = "/"
    tags = ("statistics",)

    @get("/flows/{flow_id:uuid}/statistics", opt=permission("execution:read"))
    async def get_flow_statistics(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """Executions of the flow by outcome, how long they take, and how long each step takes."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            return ok(await statistics.of_flow(session, ctx.organization_id, flow_id))

    @get("/workspaces/{workspace_id:uuid}/statistics", opt=permission("execution:read"))
    async def get_workspace_statistics(
        self, ctx: NamedDependency[Context], workspace_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """Flows and executions of the workspace, and their average duration."""
        async with ctx.transaction() as session:
            await workspaces.get_workspace(session, ctx.actor, workspace_id)
            return ok(await statistics.of_workspace(session, ctx.organization_id, workspace_id))
