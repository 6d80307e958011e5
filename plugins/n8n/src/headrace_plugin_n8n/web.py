"""The route of n8n: bring its workflows here without a stored connection."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from headrace_web.sdk import ApiStruct, Context, Envelope, Synced, hookimpl, ok, scoped, sync_flows
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

WorkflowId = Annotated[str, Meta(min_length=1, max_length=255)]


class N8nSyncBody(ApiStruct):
    """Where n8n is, and which of its workflows to bring; all of them when none is named."""

    n8n_url: Annotated[str, Meta(min_length=1, max_length=500)]
    api_key: Annotated[str, Meta(min_length=1, max_length=2_000)]
    workflow_ids: Annotated[list[WorkflowId], Meta(max_length=1_000)] = []
    workspace_id: UUID | None = None
    folder_id: UUID | None = None


class N8nController(Controller):
    """n8n."""

    path = "/integrations/n8n"
    tags = ("integrations",)

    @post("/sync", opt=scoped("flow:create"))
    async def sync_workflows(self, ctx: NamedDependency[Context], data: JSONBody[N8nSyncBody]) -> Envelope[Synced]:
        """Make flows of workflows, or bring those that came before up to date; the key is not stored."""
        config = {"url": data.n8n_url, "api_key": data.api_key}
        return ok(await sync_flows(
            ctx, "n8n", config, data.workflow_ids, workspace_id=data.workspace_id, folder_id=data.folder_id
        ))  # fmt: skip


@hookimpl
def headrace_web_routes() -> list[type[Controller]]:
    """Offer it."""
    return [N8nController]
