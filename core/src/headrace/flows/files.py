"""Flow files in and out of a workspace."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.flows import service
from headrace.flows.canvas import canvas_of, graph_of, redrawn
from headrace.flows.models import Flow
from headrace.flows.text import FlowText, TextTrigger, render
from headrace.sdk.errors import ConfigError


async def bring_in(session: AsyncSession, actor: Any, workspace_id: UUID, text: FlowText) -> Flow:
    """Create the flow of a file, or put the file's steps and settings into the flow with its name.

    A canvas that already has these steps keeps its layout.
    """
    canvas = canvas_of(text.graph)
    found = await service.find(session, actor, workspace_id=workspace_id, name=text.name)
    if found is None:
        return await service.create(
            session,
            actor,
            workspace_id=workspace_id,
            name=text.name,
            definition=canvas,
            description=text.description,
            kind=text.kind,
            settings=text.settings,
        )
    if text.settings and found.settings != text.settings:
        found = await service.update(session, actor, found.id, {"settings": text.settings}, found.row_version)
    data = await service.get_data(session, actor, found.id)
    if graph_of(data.definition) != text.graph:
        await service.put_data(session, actor, found.id, canvas, data.row_version)
    return found


async def put_text(session: AsyncSession, actor: Any, flow_id: UUID, text: FlowText, row_version: int | None) -> None:
    """Make a flow what its changed text says: name, description, settings, and the canvas with its layout.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version of the canvas, or a stale one.
        ConfigError: the kind differs, which never changes.
    """
    flow = await service.get(session, actor, flow_id)
    if text.kind != flow.kind:
        raise ConfigError(f"a flow stays what it is; put 'kind' back to '{flow.kind}'", field="kind")
    data = await service.get_data(session, actor, flow_id)
    await service.put_data(session, actor, flow_id, redrawn(data.definition, text.graph), row_version)
    wanted = {"name": text.name, "description": text.description, "settings": text.settings}
    changes = {name: value for name, value in wanted.items() if getattr(flow, name) != value}
    if changes:
        await service.update(session, actor, flow_id, changes, flow.row_version)


async def take_out(
    session: AsyncSession, actor: Any, flow_id: UUID, *, triggers: list[TextTrigger] | None = None
) -> str:
    """The flow as a file, with triggers beside its steps."""
    flow = await service.get(session, actor, flow_id)
    data = await service.get_data(session, actor, flow_id)
    return render(
        flow.name, graph_of(data.definition), description=flow.description, kind=flow.kind, settings=flow.settings,
        triggers=triggers,
    )  # fmt: skip
