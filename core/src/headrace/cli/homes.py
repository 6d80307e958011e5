"""`headrace homes`: databases that organizations have of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import click


@click.group("homes")
def command() -> None:
    """Databases that organizations have of their own."""


@command.command("list")
def list_homes() -> None:
    """Show them, and moves under way."""
    from headrace.entitlements import homes

    async def work(session: Any, actor: Any, _settings: Any) -> None:
        for row in await homes.list_homes(session, actor):
            click.echo(f"{row.id}  {row.place}  {row.state}  next: {row.step}  {row.note}".rstrip())

    _with(work)


@command.command("give")
@click.argument("organization", type=click.UUID)
@click.option("--place", default="", help="Name of the database, or name@host:port; empty is made up.")
@click.option("--dry-run", is_flag=True, help="Count the rows that would move, and change nothing.")
def give(organization: UUID, place: str, dry_run: bool) -> None:
    """Give an organization a database of its own; the scheduler does the work."""
    from headrace.entitlements import homes
    from headrace.infra.moving import Mover

    async def work(session: Any, actor: Any, settings: Any) -> None:
        if dry_run:
            rows = await asyncio.to_thread(
                Mover(settings.database_url.reveal(), servers=settings.database_servers).counts, organization
            )
            for table, count in rows.items():
                click.echo(f"{table}: {count}")
            return
        made = await homes.give_own(session, actor, organization, place, settings.database_servers)
        click.echo(f"{made.place}: next is '{made.step}'; `headrace homes list` shows how far it is")

    _with(work)


@command.command("back")
@click.argument("organization", type=click.UUID)
def back(organization: UUID) -> None:
    """Move an organization back into the shared database, and drop its own."""
    from headrace.entitlements import homes

    async def work(session: Any, actor: Any, _settings: Any) -> None:
        row = await homes.give_back(session, actor, organization)
        click.echo(f"{row.place}: next is '{row.step}'")

    _with(work)


def _with(work: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
    """Call as the system, in a transaction of the install that runs here or is configured."""
    from msgspec import structs

    from headrace.accounts import setup
    from headrace.accounts.permissions import system_actor
    from headrace.cli.local import running_settings
    from headrace.entitlements.licence import given
    from headrace.entitlements.service import use_host
    from headrace.infra.database import Database
    from headrace.plugins.manager import load_plugins
    from headrace.sdk.errors import ConfigError

    settings = running_settings()
    if settings is None:
        raise ConfigError("headrace does not run here; start it with `headrace up`, or set HEADRACE_DATABASE_URL")
    use_host(load_plugins(), licence=given(settings.license.reveal(), settings.home))

    async def call() -> None:
        database = Database.from_url(settings.database_url.reveal(), pool_size=2, name="headrace-cli")
        try:
            async with database.transaction() as session:
                first = (await setup.first_organization(session)).id
                actor = structs.replace(system_actor(first), is_platform_admin=True)
                await work(session, actor, settings)
        finally:
            await database.close()

    asyncio.run(call())
