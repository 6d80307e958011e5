"""`headrace api`: the web server; lives in headrace-web."""

from __future__ import annotations

from importlib import import_module

import click

from headrace.sdk.errors import ConfigError


@click.command("api")
def command() -> None:
    """Serve REST, WebSocket and pages."""
    from headrace.infra.settings import load_settings

    try:
        server = import_module("headrace_web.server")
    except ModuleNotFoundError as error:
        if error.name not in {"headrace_web", "headrace_web.server"}:
            raise
        raise ConfigError("the API needs headrace-web, which is not installed; pip install headrace-web") from None
    server.main(load_settings())
