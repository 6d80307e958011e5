"""What a host application keeps: births by node, aliases, sequences; and messages as rows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from headrace.kits.records.frames import Record, Unreadable
from msgspec import Struct, field

from headrace_connector_mqtt_sparkplug.payload import TYPES, decoded, moment, value_of

SPACE = "spBv1.0"
STALE = 500
"""The quality of everything below a node or device that has died."""
_KNOWN = frozenset({"NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"})
AGAIN_S = 5.0
HELD = 10_000
"""Metrics that wait for a birth, at most; those after them are told as they are."""
Key = tuple[str, str]


class Node(Struct):
    """One edge node.

    Attributes:
        seq: Of its last message; -1 before its first.
        names: Name and datatype by alias.
        kinds: Datatype by device and name.
        asked_at: When a birth was asked for last, on the monotonic clock.
        held: Metrics of aliases that no birth has named yet.
    """

    seq: int = -1
    names: dict[int, tuple[str, int]] = field(default_factory=dict)
    kinds: dict[tuple[str, str], int] = field(default_factory=dict)
    asked_at: float = -math.inf
    held: list[tuple[dict[str, Any], Any]] = field(default_factory=list)


class Host:
    """Takes messages in their order; `wanted` are nodes that have to be asked for a birth."""

    def __init__(self) -> None:
        self.nodes: dict[Key, Node] = {}
        self.wanted: set[Key] = set()
        self.gaps = 0

    def ask(self, key: Key) -> None:
        """Want a birth, unless one was asked for just now: a node that is never complete is not asked for ever."""
        node, now = self.nodes.setdefault(key, Node()), time.monotonic()
        if now - node.asked_at >= AGAIN_S:
            node.asked_at = now
            self.wanted.add(key)

    def rows(self, topic: str, raw: bytes) -> Iterator[Record]:
        """Rows of a message; a payload that cannot be read is told with its reason."""
        parts = topic.split("/")
        if len(parts) not in {4, 5} or parts[2] not in _KNOWN:
            return
        group, kind, name, device = parts[1], parts[2], parts[3], parts[4] if len(parts) == 5 else ""
        about = {"group": group, "node": name, "device": device, "message": kind}
        try:
            payload = decoded(raw)
        except ValueError as error:
            yield Unreadable(about | {"payload": raw[:200].hex()}, f"the message {error}")
            return
        key = (group, name)
        node = self.nodes.setdefault(key, Node())
        self._counted(key, node, kind, payload)
        if kind.endswith("DEATH"):
            if kind == "NDEATH":
                self.nodes[key] = Node()
            yield about | {"at": moment(payload.timestamp), "quality": STALE, "historical": False}
            return
        about["seq"] = payload.seq
        if kind.endswith("BIRTH"):
            for metric in payload.metrics:
                node.kinds[device, metric.name] = metric.datatype
                if metric.HasField("alias"):
                    node.names[metric.alias] = (metric.name, metric.datatype)
        waiting, node.held = node.held, []
        about["sent"] = payload.timestamp
        for told, metric in [*((about, metric) for metric in payload.metrics), *waiting]:
            if metric.name or metric.alias in node.names:
                yield self._row(node, told, metric)
                continue
            if told is about:  # one that waits has asked already
                self.ask(key)
            if len(node.held) < HELD:
                node.held.append((told, metric))
            else:
                yield _nameless(told, metric)

    def rest(self) -> Iterator[Record]:
        """What waited for a birth that did not come."""
        for node in self.nodes.values():
            held, node.held = node.held, []
            yield from (_nameless(about, metric) for about, metric in held)

    def _counted(self, key: Key, node: Node, kind: str, payload: Any) -> None:
        """Look at the sequence: a node begins with 0 in its birth, and no number may be missing."""
        if kind == "NBIRTH":
            node.names, node.kinds = {}, {}
        elif kind != "NDEATH":
            if node.seq < 0:
                self.ask(key)
            elif payload.seq != (node.seq + 1) % 256:
                self.gaps += 1
                self.ask(key)
        if payload.HasField("seq") and (kind == "NBIRTH" or node.seq >= 0):
            node.seq = payload.seq

    @staticmethod
    def _row(node: Node, about: dict[str, Any], metric: Any) -> Record:
        name, number = (metric.name, metric.datatype) if metric.name else node.names[metric.alias]
        number = metric.datatype or number or node.kinds.get((about["device"], name), 0)
        kind = TYPES[number] if number < len(TYPES) else "Unknown"
        value, text = value_of(metric, kind)
        told = {field: one for field, one in about.items() if field != "sent"}
        return told | {
            "metric": name, "datatype": kind, "number": value, "text": text, "quality": _quality(metric),
            "historical": metric.is_historical, "at": moment(metric.timestamp or about["sent"]),
        }  # fmt: skip


def _quality(metric: Any) -> int | None:
    for name, held in zip(metric.properties.keys, metric.properties.values, strict=False):
        if name.lower() == "quality" and held.WhichOneof("value") in {"int_value", "long_value"}:
            return int(getattr(held, held.WhichOneof("value")))
    return None


def _nameless(about: dict[str, Any], metric: Any) -> Record:
    return Unreadable(
        about | {"alias": metric.alias},
        f"the alias {metric.alias} of '{about['group']}/{about['node']}' is in no birth; list the node in the "
        "connection, so that it is asked",
    )
