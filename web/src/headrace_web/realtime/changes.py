"""What is told to who has a flow open: it was changed, deleted, restored. It may be lost: the database has it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from headrace.infra.bus import Message
from headrace.infra.clock import now

from headrace_web.deps import Context

What = Literal["fields", "canvas", "deleted", "restored"]


async def flow_changed(ctx: Context, flow_id: UUID, what: What, row_version: int | None = None) -> None:
    """After the commit."""
    data = {"flow_id": str(flow_id), "what": what, "row_version": row_version, "user_id": str(ctx.actor.user_id)}
    message = Message(channel=f"flow:{flow_id}", type="flow_update", data=data, timestamp=now())
    await ctx.services.bus.publish(ctx.organization_id, message)
