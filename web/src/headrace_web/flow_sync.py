"""Bring flows of another system here, for whoever asks: fetched first, then stored in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from headrace.integrations import fetch
from headrace.integrations.service import Bringing, Brought, bring
from headrace.sdk.foreign import Finding
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.flows import place_of
from headrace_web.deps import Context
from headrace_web.realtime.changes import flow_changed


class SyncedFlow(Struct, kw_only=True):
    """What became of one workflow, and of each of its steps."""

    workflow_id: str
    name: str
    outcome: Literal["created", "updated", "unchanged", "failed"]
    flow_id: UUID | None
    placeholders: int
    steps: list[Finding]


class SyncError(Struct, kw_only=True):
    """A workflow that was not brought here, and why."""

    workflow_id: str
    name: str
    message: str


class Synced(Struct, kw_only=True):
    """The outcome: `synced_count` flows are as they are there."""

    synced_count: int
    errors: list[SyncError]
    flows: list[SyncedFlow]


async def sync_flows(
    ctx: Context, connector: str, config: Mapping[str, Any], wanted: Sequence[str] = (), *,
    workspace_id: UUID | None = None, folder_id: UUID | None = None,
) -> Synced:  # fmt: skip
    """Bring flows with these ids, or all, to a workspace where the actor may make flows.

    Raises:
        Denied, NotFound: they may not do so there.
        ConfigError, AuthError, TransientError: the other system gives nothing.
    """
    async with ctx.transaction() as session:
        place = await _place(session, ctx, workspace_id, folder_id)
    fetched = await fetch.fetch(ctx.registry, connector, config, wanted)
    async with ctx.transaction() as session:
        to = Bringing(
            actor=ctx.actor, vault=ctx.services.vault, registry=ctx.registry, workspace_id=place, folder_id=folder_id
        )
        brought = await bring(session, to, fetched)
    for one in brought:
        if one.outcome == "updated" and one.flow_id is not None:
            await flow_changed(ctx, one.flow_id, "canvas", one.row_version)
    return _told(brought)


async def _place(session: AsyncSession, ctx: Context, workspace_id: UUID | None, folder_id: UUID | None) -> UUID:
    return await place_of(session, ctx, "flow:create", workspace_id, folder_id)


def _told(brought: Sequence[Brought]) -> Synced:
    return Synced(
        synced_count=sum(one.outcome != "failed" for one in brought),
        errors=[
            SyncError(workflow_id=one.external_id, name=one.name, message=one.message)
            for one in brought
            if one.outcome == "failed"
        ],
        flows=[
            SyncedFlow(
                workflow_id=one.external_id, name=one.name, outcome=one.outcome, flow_id=one.flow_id,
                placeholders=sum(step.became == "placeholder" for step in one.steps), steps=one.steps,
            )
            for one in brought
        ],
    )  # fmt: skip
