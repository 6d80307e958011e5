"""The trash."""

from __future__ import annotations

from headrace.flows import trash
from litestar import Controller, get
from litestar.di import NamedDependency

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, Paging, page_of
from headrace_web.guards import scoped


class DeletionsController(Controller):
    """What was deleted; each is brought back by `restore` of its own address."""

    path = "/deletions"
    tags = ("deletions",)

    @get("/", opt=scoped("flow:restore"))
    async def list_deletions(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[trash.Deletion]]:
        """Workspaces, folders, flows, jobs and connections in the trash, the latest first."""
        async with ctx.transaction() as session:
            rows, total = await trash.list_(session, ctx.actor, limit=paging.limit, offset=paging.offset)
        return page_of(rows, total, paging)
