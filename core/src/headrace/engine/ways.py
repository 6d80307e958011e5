"""Which steps are not executed because a way that they need was not taken. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from headrace.flows.graph import Edge
from headrace.sdk.manifests import NodeManifest


class Need(Struct, frozen=True):
    """What a step needs: of each group of `node.port` one has to come, else the step is skipped."""

    node_id: str
    groups: tuple[tuple[str, ...], ...]


def need_of(node_id: str, manifest: NodeManifest, edges: Iterable[Edge]) -> Need:
    """Each edge that says the order, one edge of each required port, and any edge at all."""
    ports = {port.name: port for port in manifest.inputs}
    groups: list[tuple[str, ...]] = []
    fed: dict[str, list[str]] = {}
    for edge in edges:
        name, port = f"{edge.source}.{edge.source_port}", ports.get(edge.target_port)
        if port is not None and port.kind == "control":
            groups.append((name,))
        else:
            fed.setdefault(edge.target_port, []).append(name)
    needed = [tuple(names) for port, names in fed.items() if port not in ports or ports[port].required]
    if fed and not needed:
        needed = [tuple(name for names in fed.values() for name in names)]
    return Need(node_id, (*groups, *needed))


def undone(needs: Sequence[Need], gone: Collection[str]) -> set[str]:
    """Steps that are skipped once it is known that the frames `gone` do not come; parents stand first in `needs`."""
    found: set[str] = set()
    for need in needs:
        lost = (all(name in gone or name.rpartition(".")[0] in found for name in group) for group in need.groups)
        if any(lost):
            found.add(need.node_id)
    return found
