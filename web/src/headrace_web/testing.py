"""For tests: the application over a database of their own, built once for all tests of a process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from headrace.entitlements.licence import given
from headrace.entitlements.service import use_host
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from litestar import Litestar

from headrace_web.app import create_app
from headrace_web.services import open_services


@cache
def _built(origins: tuple[str, ...]) -> Litestar:
    """Building takes longer than most tests; all that is of an installation is in `app.state.services`."""
    return create_app(Settings(cors_origins=origins), load_plugins())


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; not to be changed."""
    return _built(()).openapi_schema.to_schema()


@asynccontextmanager
async def serving(settings: Settings, host: Host) -> AsyncIterator[Litestar]:
    """The application with services of these settings; one at a time."""
    app = _built(tuple(settings.cors_origins))
    use_host(host, licence=given(settings.license.reveal(), settings.home))
    async with open_services(settings, host) as services:
        app.state.services = services
        yield app
