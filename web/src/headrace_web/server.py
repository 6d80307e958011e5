"""Serve with granian: `main` blocks until asked to stop."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces
from headrace.infra.confine import close_to_others
from headrace.infra.roles import refuse_powerful
from headrace.infra.settings import Settings
from litestar import Litestar


def build() -> Litestar:
    """The application of a server process, from its environment."""
    from headrace.infra.logs import configure_logs
    from headrace.infra.settings import load_settings
    from headrace.plugins.manager import load_plugins

    from headrace_web.app import create_app

    close_to_others()
    settings = load_settings()
    configure_logs(settings, process="api")
    return create_app(settings, load_plugins())


def main(settings: Settings, *, processes: int = 1) -> None:
    """Serve on the settings' address until SIGTERM or SIGINT.

    Raises:
        ConfigError: the database role could go around row-level security.
    """
    close_to_others()
    refuse_powerful(settings)
    Granian(
        "headrace_web.server:build",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=processes,
        websockets=True,
        log_access=False,
        respawn_failed_workers=True,
    ).serve()
