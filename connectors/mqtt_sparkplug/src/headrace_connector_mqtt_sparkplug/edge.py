"""An edge node of one's own: births, data and death in one sequence; reborn when a host asks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from headrace.kits.records.mqtt import Link

from headrace_connector_mqtt_sparkplug import SparkplugConfig
from headrace_connector_mqtt_sparkplug.host import SPACE
from headrace_connector_mqtt_sparkplug.payload import Payload, decoded, fill, kind_of

REBIRTH = "Node Control/Rebirth"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def rebirth() -> bytes:
    """The command that asks a node for its births."""
    payload = Payload(timestamp=now_ms())
    fill(payload.metrics.add(name=REBIRTH, timestamp=payload.timestamp), "Boolean", True)
    return bytes(payload.SerializeToString())


class Edge:
    """Alive from here to `die`.

    Args:
        config: The broker.
        path: Group, node, and device if there is one.
        names: Metrics, in the order of their aliases.
    """

    def __init__(self, config: SparkplugConfig, path: Sequence[str], names: Sequence[str]) -> None:
        self._path, self._names = path, list(names)
        self._kinds: dict[str, str] = {}
        self._last: dict[str, Any] = {}
        self._seq = 0
        self._life = now_ms() // 1000 % 256
        self._link = Link(config, (self._topic("NDEATH"), self._death()))
        self._link.subscribe(self._topic("NCMD"))
        self._born = False

    def _topic(self, kind: str) -> str:
        group, node, *device = self._path
        return "/".join((SPACE, group, kind, node, *(device if kind[0] == "D" else ())))

    def _death(self) -> bytes:
        payload = Payload(timestamp=now_ms())
        fill(payload.metrics.add(name="bdSeq"), "UInt64", self._life)
        return bytes(payload.SerializeToString())

    def _send(self, kind: str, payload: Any) -> None:
        self._seq = 0 if kind == "NBIRTH" else (self._seq + 1) % 256
        payload.seq = self._seq
        self._link.publish(self._topic(kind), payload.SerializeToString())

    def _bear(self) -> None:
        """Births with every metric as it is now."""
        payload = Payload(timestamp=now_ms())
        fill(payload.metrics.add(name="bdSeq"), "UInt64", self._life)
        fill(payload.metrics.add(name=REBIRTH), "Boolean", False)
        own = len(self._path) == 2
        if own:
            self._state(payload)
        self._send("NBIRTH", payload)
        if not own:
            payload = Payload(timestamp=now_ms())
            self._state(payload)
            self._send("DBIRTH", payload)
        self._born = True

    def _state(self, payload: Any) -> None:
        for alias, name in enumerate(self._names):
            metric = payload.metrics.add(name=name, alias=alias, timestamp=payload.timestamp)
            fill(metric, self._kinds[name], self._last.get(name))

    def begin(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Be born, with datatypes of the first values that some records have."""
        if self._born:
            return
        for name in self._names:
            values = (record[name] for record in records if record.get(name) is not None)
            self._kinds[name] = kind_of(next(values, ""))
        self._bear()

    def tell(self, record: Mapping[str, Any], at_ms: int) -> None:
        """Send the metrics of a record.

        Raises:
            ValueError: a value is none of its metric's datatype; nothing of the record is sent.
        """
        self._answer()
        payload = Payload(timestamp=now_ms())
        for alias, name in enumerate(self._names):
            if name in record:
                fill(payload.metrics.add(alias=alias, timestamp=at_ms), self._kinds[name], record[name])
        self._send("DDATA" if len(self._path) == 3 else "NDATA", payload)
        self._last |= record

    def _answer(self) -> None:
        """Be reborn if a host has asked."""
        if self._seq % 50 == 0:
            self._link.work(0)
        asked = False
        while self._link.inbox:
            with suppress(ValueError):  # a command that nobody can read
                metrics = decoded(self._link.inbox.popleft()[1]).metrics
                asked = asked or any(metric.name == REBIRTH and metric.boolean_value for metric in metrics)
        if asked:
            self._bear()

    def settle(self) -> None:
        """Return once the broker has all of it."""
        self._link.subscribe(self._topic("NCMD"))

    def die(self) -> None:
        """Say that this node is gone, and go."""
        self._link.publish(self._topic("NDEATH"), self._death())
        self.settle()
        self._link.close()
