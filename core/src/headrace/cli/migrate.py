"""`headrace migrate`: bring the database to this version."""

from __future__ import annotations

import click


@click.command("migrate")
def command() -> None:
    """Apply the migrations of the core and of every plugin."""
    from headrace.infra.migrate import upgrade_all
    from headrace.infra.settings import load_settings
    from headrace.plugins.manager import load_plugins

    places = upgrade_all(load_settings(), load_plugins().registry.migrations.values())
    click.echo("the database is up to date" + (f", and so are {', '.join(places)}" if places else ""))
