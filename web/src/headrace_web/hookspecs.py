"""Hooks of the web process: entry-point group `headrace.web`. Declarations, called once, plugin by plugin."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy
from litestar import Controller

hookspec = pluggy.HookspecMarker("headrace")
hookimpl = pluggy.HookimplMarker("headrace")


@hookspec
def headrace_web_routes() -> Iterable[type[Controller]]:
    """Offer controllers; they hang below `/api/v1`, and each handler declares its permission.

    Example:
        @hookimpl
        def headrace_web_routes():
            return [BudgetsController, TicketsController]
    """
    return ()
