"""`headrace license`: show and check the licence; make one, for who publishes an edition."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click


@click.group("license")
def command() -> None:
    """The licence of this installation, which no edition of headrace itself needs."""


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def show(as_json: bool) -> None:
    """Show the id of this installation and its licence; exit 1 when that does not count."""
    import json

    from headrace.cli.local import running_settings
    from headrace.sdk.errors import ConfigError

    settings = running_settings()
    if settings is None:
        raise ConfigError("headrace does not run here; start it with `headrace up` first")
    found = asyncio.run(_state(settings))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"installation {found['installation']}")
        click.echo(found["problem"] or found["licence"])
    sys.exit(1 if found["problem"] else 0)


@command.command("new-key")
def new_key() -> None:
    """Print a private key to sign licences with, and the public one for the edition's package."""
    from headrace.entitlements import licence

    private, public = licence.new_key()
    click.echo(f"private {private}\npublic  {public}")


@command.command("sign")
@click.option("--key-file", required=True, type=click.Path(exists=True, dir_okay=False), help="With the private key.")
@click.option("--customer", required=True)
@click.option("--edition", required=True)
@click.option("--plan", default="")
@click.option("--installation", required=True, help="The id that `headrace license show` prints, or *.")
@click.option("--days", required=True, type=click.IntRange(1, 36_500))
def sign(key_file: str, **facts: Any) -> None:
    """Print a licence."""
    from headrace.entitlements import licence
    from headrace.infra.clock import now
    from headrace.infra.ids import new_id

    days = facts.pop("days")
    made = licence.Licence(id=str(new_id()), issued_at=now(), expires_at=now() + timedelta(days=days), **facts)
    click.echo(licence.sign(made, Path(key_file).read_text(encoding="utf-8").split()[-1]))


async def _state(settings: Any) -> dict[str, str]:
    from headrace.entitlements import licence
    from headrace.entitlements.plugin import Entitlements
    from headrace.infra.database import Database
    from headrace.infra.states import get_state
    from headrace.plugins.manager import load_plugins
    from headrace.sdk.errors import ConfigError

    database = Database.from_url(settings.database_url.reveal(), pool_size=1, name="headrace-cli")
    found = {"installation": "", "licence": "there is no licence; HEADRACE_LICENSE names one", "problem": ""}
    try:
        async with database.transaction() as session:
            found["installation"] = str(await get_state(session, "installation"))
            text = licence.given(settings.license.reveal(), settings.home)
            held = await Entitlements(load_plugins().registry, text).licence(session)
    except ConfigError as error:
        return {**found, "licence": "", "problem": error.message}
    finally:
        await database.close()
    if held is not None:
        found["licence"] = f"edition {held.edition} for {held.customer}, until {held.expires_at:%Y-%m-%d}"
    return found
