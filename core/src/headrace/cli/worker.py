"""`headrace worker`."""

from __future__ import annotations

import click


@click.command("worker")
def command() -> None:
    """Claim and execute segments."""
    from headrace.infra.settings import load_settings
    from headrace.worker.supervisor import main

    main(load_settings())
