"""Ask another system for its flows and convert them: in a thread, with a deadline, and nothing of ours open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.connections.references import refuse
from headrace.plugins.registry import ConnectorEntry, Registry
from headrace.sdk.errors import ConfigError, TransientError
from headrace.sdk.foreign import ForeignFlow
from headrace.sdk.manifests import Capability

DEADLINE_S = 120
FLOWS_MAX = 1_000
ADDRESS = "url"
"""Field of the config of every connector with SYNC_FLOWS: where the other system is."""


class Fetched(Struct, frozen=True):
    """Flows of one system, those that are called before their callers."""

    entry: ConnectorEntry
    config: dict[str, Any]
    instance: str
    flows: tuple[ForeignFlow, ...]


def services(registry: Registry) -> list[str]:
    """Connectors whose flows can be brought here."""
    return sorted(
        name for name, one in registry.connectors.items() if Capability.SYNC_FLOWS in one.manifest.capabilities
    )


def service(registry: Registry, connector: str) -> ConnectorEntry:
    """The connector of an integration.

    Raises:
        ConfigError: there is none, or it has no flows.
    """
    entry = registry.connector(connector)
    if Capability.SYNC_FLOWS not in entry.manifest.capabilities:
        known = ", ".join(services(registry)) or "none is installed"
        raise ConfigError(f"'{connector}' has no flows to bring here; choose one of: {known}", field="service")
    return entry


async def fetch(registry: Registry, connector: str, config: Mapping[str, Any], wanted: Sequence[str] = ()) -> Fetched:
    """Flows with these ids, or all.

    Raises:
        ConfigError, AuthError, TransientError: nothing can be read, or there are too many.
    """
    entry = service(registry, connector)
    refuse(entry.manifest, config)
    given = dict(config)

    def call() -> list[ForeignFlow]:
        opened = entry.open(given)
        found: list[ForeignFlow] = []
        try:
            for flow in opened.foreign_flows(wanted):
                found.append(flow)
                if len(found) > FLOWS_MAX:
                    raise ConfigError(
                        f"there are more than {FLOWS_MAX:,} flows; name those that you want by their ids",
                        field="workflow_ids",
                    )
        finally:
            opened.close()
        return found

    try:
        async with asyncio.timeout(DEADLINE_S):
            flows = await asyncio.to_thread(call)
    except TimeoutError:
        raise TransientError(
            f"'{connector}' did not give its flows within {DEADLINE_S} s; name some of them by their ids"
        ) from None
    return Fetched(entry, given, str(given.get(ADDRESS, "")).rstrip("/")[:500], tuple(in_order(flows)))


def in_order(flows: Sequence[ForeignFlow]) -> list[ForeignFlow]:
    """Each id once, what is called first; flows that call each other stay as they came."""
    by_id = {flow.id: flow for flow in flows}
    done: dict[str, ForeignFlow] = {}
    for first in by_id.values():
        stack, open_ = [first], set[str]()
        while stack:
            flow = stack[-1]
            before = [
                by_id[one] for one in flow.calls if one in by_id and one not in done and one not in open_ | {flow.id}
            ]
            if flow.id in done or not before or flow.id in open_:
                stack.pop()
                done.setdefault(flow.id, flow)
                continue
            open_.add(flow.id)
            stack += before
    return list(done.values())
