"""Routes of plugins: entry-point group `headrace.web`. One that is switched off answers like an address that is not."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import distributions
from typing import Any

from headrace.plugins.manager import Host
from headrace.plugins.records import PluginRecord
from headrace.sdk.errors import PluginError
from litestar import Router

from headrace_web.guards import PLUGIN

GROUP = "headrace.web"


def plugin_routes(host: Host, prefix: str, taken: Iterable[Router]) -> list[Router]:
    """A router for each plugin that offers controllers, `taken` aside.

    A module that does not load, or a path that somebody has already, marks its plugin failed; the rest go on.
    """
    paths = {route.path for router in taken for route in router.routes}
    found: list[Router] = []
    for record, module in _declared(host):
        if record.state == "failed":
            continue
        try:
            router = Router(
                path=prefix, route_handlers=list(import_module(module).headrace_web_routes()),
                opt={PLUGIN: record.distribution},
            )  # fmt: skip
            own = _new(router, paths)
        except Exception as error:
            if host.strict:
                raise
            said = error.message if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
            record.fail(f"{record.name} ({record.distribution} {record.version}): {said}", traceback.format_exc())
            continue
        paths |= own
        found.append(router)
    return found


def _new(router: Router, taken: set[str]) -> set[str]:
    own = {route.path for route in router.routes}
    if own & taken:
        raise PluginError(f"its route {min(own & taken)} is there already; choose another path")
    return own


def _declared(host: Host) -> Iterator[tuple[PluginRecord, Any]]:
    records = {record.distribution: record for record in host.records}
    points = {
        (point.name, dist.name): point.value
        for dist in distributions() for point in dist.entry_points if point.group == GROUP
    }  # fmt: skip
    for (_, distribution), module in sorted(points.items()):
        if distribution in records:
            yield records[distribution], module
