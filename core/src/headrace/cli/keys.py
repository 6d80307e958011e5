"""`headrace keys`: master keys and data keys."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import click


@click.group("keys")
def command() -> None:
    """Keys of the installation: master keys wrap one data key per organization, which encrypts its secrets."""


@command.command("new")
def new() -> None:
    """Print a new key for HEADRACE_MASTER_KEYS; the first of several encrypts, the others still open old secrets."""
    from headrace.infra.crypto import generate_key

    click.echo(generate_key())


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def status(as_json: bool) -> None:
    """Show which keys are in use and what is under older ones; exit 1 while a rotation has not ended."""
    import msgspec

    from headrace.infra.rotation import Rotator, standing

    async def ask(rotator: Rotator) -> None:
        ring = rotator.ring
        found = await standing(rotator)
        older = sum(count for kid, count in found.wrapped.items() if kid != ring.current)
        if as_json:
            told = {"master_keys": ring.key_ids, "current": ring.current, **msgspec.to_builtins(found)}
            click.echo(json.dumps(told, indent=2))
        else:
            click.echo(f"master keys: {', '.join(ring.key_ids)} (the first wraps)")
            click.echo(f"organizations: {found.organizations}, rotations not ended: {found.unfinished}")
            for title, counts in (("data keys by master key", found.wrapped), ("secrets", found.blobs)):
                click.echo(f"{title}: " + (", ".join(f"{name}: {n}" for name, n in counts.items()) or "none"))
            click.echo(f"under older data keys: {found.behind}, data keys under older master keys: {older}")
        sys.exit(1 if found.behind or found.unfinished or older else 0)

    _with(ask)


@command.command("rotate")
@click.option("--master", is_flag=True, help="Wrap everything with the first master key of the ring.")
@click.option("--data", is_flag=True, help="Begin new data keys and encrypt everything with them.")
@click.option("--organization", type=click.UUID, help="Only this one's data key.")
@click.option("--batch", default=100, show_default=True, type=click.IntRange(1, 10_000), help="Secrets at a time.")
@click.option("--rest", default=0.0, type=click.FloatRange(0, 60), help="Seconds between them, to spare the database.")
def rotate(master: bool, data: bool, organization: UUID | None, batch: int, rest: float) -> None:
    """Rotate keys while everything works. Killed, it goes on at the next call."""
    from headrace.infra.rotation import Rotator
    from headrace.sdk.errors import ConfigError

    if master == data or (organization is not None and not data):
        raise ConfigError("say --master, or --data with or without --organization")

    async def work(rotator: Rotator) -> None:
        if master:
            total = await rotator.master()
        else:
            total = await (rotator.data(organization) if organization else rotator.all_data())
        what = "wrapped again" if master else "in use"
        click.echo(f"data keys {what}: {total.keys}, secrets encrypted again: {total.blobs}")
        for place in total.broken:
            click.echo(f"does not open under any key, left as it is: {place}")
        if master:
            click.echo(f"{rotator.ring.current} is the only master key that is needed now")

    _with(work, batch_rows=batch, rest_s=rest)


def _with(work: Callable[[Any], Awaitable[None]], **options: Any) -> None:
    """Call with the keys and the worker's database of the install that runs here or is configured."""
    from headrace.cli.local import running_settings
    from headrace.infra.database import Database
    from headrace.infra.rotation import Rotator
    from headrace.sdk.errors import ConfigError

    settings = running_settings()
    if settings is None:
        raise ConfigError("headrace does not run here; start it with `headrace up`, or set HEADRACE_DATABASE_URL")
    if not settings.database_worker_url:
        raise ConfigError("rotation goes through all organizations; set HEADRACE_DATABASE_WORKER_URL for it")

    async def call() -> None:
        database = Database.from_url(
            settings.database_worker_url.reveal(), pool_size=2, name="headrace-keys",
            servers=settings.database_servers,
        )  # fmt: skip
        try:
            for one in await database.everywhere():
                if one.place:
                    click.echo(f"database {one.place}:")
                await work(Rotator(one, settings.key_ring(), **options))
        finally:
            await database.close()

    asyncio.run(call())
