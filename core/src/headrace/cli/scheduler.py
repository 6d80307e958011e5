"""`headrace scheduler`."""

from __future__ import annotations

import click


@click.command("scheduler")
def command() -> None:
    """Relay, reconcile, tick."""
    from headrace.infra.settings import load_settings
    from headrace.worker.scheduler import main

    main(load_settings())
