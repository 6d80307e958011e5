"""Flows where they are: of a workspace, of a folder."""

from __future__ import annotations

from uuid import UUID

from headrace.flows import service as flows
from headrace.workspaces import service as workspaces
from headrace.workspaces import tree
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from headrace_web.api.flows import FlowOut
from headrace_web.deps import Context
from headrace_web.envelope import Envelope, Paging, page_of, shown
from headrace_web.guards import permission


class ContainedFlowsController(Controller):
    """The list of flows at the address of what they are in."""

    path = "/"
    tags = ("flows",)

    @get("/workspaces/{workspace_id:uuid}/flows", opt=permission("flow:read"))
    async def list_workspace_flows(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], workspace_id: FromPath[UUID],
        q: FromQuery[str] = "", sort: FromQuery[str] = "-updated_at",
    ) -> Envelope[list[FlowOut]]:  # fmt: skip
        """Flows of a workspace, whatever their folder, newest change first."""
        async with ctx.transaction() as session:
            await workspaces.get_workspace(session, ctx.actor, workspace_id, right=None)
            rows, total = await flows.list_(
                session, ctx.actor, workspace_id=workspace_id, q=q, sort=sort, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(FlowOut, row) for row in rows], total, paging)

    @get("/folders/{folder_id:uuid}/flows", opt=permission("flow:read"))
    async def list_folder_flows(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], folder_id: FromPath[UUID],
        q: FromQuery[str] = "", sort: FromQuery[str] = "-updated_at",
    ) -> Envelope[list[FlowOut]]:  # fmt: skip
        """Flows right in a folder, newest change first."""
        async with ctx.transaction() as session:
            await tree.get_folder(session, ctx.actor, folder_id, right=None)
            rows, total = await flows.list_(
                session, ctx.actor, folder_id=folder_id, q=q, sort=sort, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(FlowOut, row) for row in rows], total, paging)
