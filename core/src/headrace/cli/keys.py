"""`headrace keys`: master keys."""

from __future__ import annotations

import click


@click.group("keys")
def command() -> None:
    """Master keys of the installation."""


@command.command("new")
def new() -> None:
    """Print a new key for HEADRACE_MASTER_KEYS; the first of several encrypts, the others still open old secrets."""
    from headrace.infra.crypto import generate_key

    click.echo(generate_key())
