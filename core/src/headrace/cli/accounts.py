"""`headrace accounts`: let somebody in again, from the machine itself."""

from __future__ import annotations

import asyncio

import click


@click.group("accounts")
def command() -> None:
    """Accounts of the installation."""


@command.command("reset-link")
@click.argument("email")
def reset_link(email: str) -> None:
    """Print a link with which EMAIL chooses a new password, good for 15 minutes; for admins who are locked out."""
    from headrace.cli.local import running_settings
    from headrace.sdk.errors import ConfigError, NotFound

    settings = running_settings()
    if settings is None:
        raise ConfigError("headrace does not run here; start it with `headrace up` first")
    link = asyncio.run(_link(settings.database_url.reveal(), settings.link_base, email))
    if not link:
        raise NotFound(f"there is no active account with the address '{email}'")
    click.echo(link)


async def _link(database_url: str, base_url: str, email: str) -> str:
    from headrace.accounts import letters
    from headrace.infra.database import Database

    database = Database.from_url(database_url, pool_size=1, name="headrace-cli")
    try:
        async with database.transaction() as session:
            letter = await letters.write(session, "reset_password", email)
            opened = await letters.open_letter(session, letter.id, base_url)
            letter.status = "void"  # printed, not mailed
    finally:
        await database.close()
    return opened.link if opened else ""
