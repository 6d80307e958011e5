"""What a fresh install gets: an organization, a one-time set-up token, and the demo."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import setup
from headrace.accounts.permissions import Actor, system_actor
from headrace.connections.ensure import ensure, refresh
from headrace.connections.service import Vault
from headrace.entitlements.licence import given
from headrace.entitlements.service import use_host
from headrace.flows import files, service
from headrace.flows.text import parse
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from headrace.workspaces import service as workspaces

DEMO = "Demo"


async def prepare(settings: Settings, *, demo: bool) -> str:
    """Make what is missing. Returns the set-up token while no account exists, else ""."""
    host = load_plugins()
    use_host(host, licence=given(settings.license.reveal(), settings.home))
    database = Database.from_url(settings.database_url.reveal(), pool_size=2, name="headrace-up")
    try:
        async with database.transaction() as session:
            organization = await setup.first_organization(session)
            actor = system_actor(organization.id)
        if demo:
            async with database.transaction(actor.organization_id) as session:
                await _demo(session, actor, settings, host)
        async with database.transaction() as session:
            return await setup.new_setup_token(session) or ""
    finally:
        await database.close()


async def demo_workspace(session: AsyncSession, actor: Actor) -> UUID:
    """The demo workspace, made at the first call."""
    found, _ = await workspaces.list_workspaces(session, actor, q=DEMO)
    for workspace in found:
        if workspace.name == DEMO:
            return workspace.id
    return (
        await workspaces.create_workspace(
            session, actor, name=DEMO, description="Flows on real data to try things with"
        )
    ).id


async def _demo(session: AsyncSession, actor: Actor, settings: Settings, host: Host) -> None:
    """Flows marked as demo and the connections they name. What exists stays; only moved servers are followed."""
    workspace_id = await demo_workspace(session, actor)
    vault = Vault(settings.key_ring())
    environ: dict[str, Any] = {**os.environ, **settings.for_flows()}
    for template in reversed(host.registry.templates.values()):  # lists show the newest first
        if not template.demo:
            continue
        text = parse(template.text())
        await refresh(session, actor, vault, host.registry, text.connections, environ)
        if await service.find(session, actor, workspace_id=workspace_id, name=text.name) is None:
            await ensure(session, actor, vault, host.registry, text.connections, environ)
            await files.bring_in(session, actor, workspace_id, text)
