"""A connection follows a server of this machine that moved, and never one that a user pointed elsewhere."""

from __future__ import annotations

from headrace.accounts import setup
from headrace.accounts.permissions import system_actor
from headrace.connections import service
from headrace.connections.ensure import ensure, refresh
from headrace.flows.text import TextConnection
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import load_plugins
from headrace.workspaces import service as _workspaces  # noqa: F401 - its tables, as every process has them

WANTED = {"Warehouse": TextConnection(connector="postgresql", config={"url": "env:WAREHOUSE"})}


async def test_only_what_is_ours_follows(database: Database, headrace_settings: Settings) -> None:
    registry = load_plugins(only=["connector-postgresql"], strict=True).registry
    vault = service.Vault(KeyRing(headrace_settings.master_keys))
    at = "postgresql://demo:{}@127.0.0.1:{}/warehouse".format
    async with database.transaction() as session:
        actor = system_actor((await setup.first_organization(session)).id)
    async with database.transaction(actor.organization_id) as session:
        await ensure(session, actor, vault, registry, WANTED, {"WAREHOUSE": at("first-password", 5001)})
        assert await refresh(session, actor, vault, registry, WANTED, {"WAREHOUSE": at("first-password", 5001)}) == []
        moved = {"WAREHOUSE": at("other-password", 5002)}
        assert await refresh(session, actor, vault, registry, WANTED, moved) == ["Warehouse"]
        (row,), _ = await service.list_(session, actor)
        now = await vault.open(session, row)
        assert (now["port"], now["password"]) == (5002, "other-password")
        elsewhere = {"config": {**now, "host": "db.example.org", "password": "mine-alone"}}
        await service.update(session, actor, vault, registry, row.id, elsewhere)
        assert await refresh(session, actor, vault, registry, WANTED, {"WAREHOUSE": at("third-password", 5003)}) == []
        assert (await vault.open(session, row))["host"] == "db.example.org"
