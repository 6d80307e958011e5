"""What a node may touch while it executes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from headrace.engine.hosts import Line, OpenHost
from headrace.engine.messages import LogLine, NodeProgress, Report, Responded
from headrace.engine.problems import Cancelled
from headrace.engine.rejects import Rejects
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.config import secret_names
from headrace.sdk.connectors import Connector, Reject, Stream, WriteResult
from headrace.sdk.engines import Engine
from headrace.sdk.errors import ConfigError
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.waiting import Resumed

_log = structlog.get_logger("headrace.engine")


class Connections:
    """Connectors that a segment has open, by connection name."""

    def __init__(self, registry: Registry, specs: Mapping[str, ConnectionSpec], line: Line | None = None) -> None:
        self._registry = registry
        self._specs = specs
        self._line = line
        self._open: dict[tuple[str, str], Connector[Any]] = {}
        self._held: list[Connector[Any]] = []

    def get(self, name: str, node_id: str = "") -> Connector[Any]:
        """Open a connection once; with a node's id, once more for that node.

        Raises:
            ConfigError: there is no such connection, or its config does not fit.
        """
        own = (name, node_id)
        if own not in self._open:
            spec = self._specs.get(name)
            if spec is None:
                raise ConfigError(f"there is no connection '{name}'; create it or choose another", field="connection")
            self._open[own] = self._registry.connector(spec.connector).open(spec.config)
            if self._line is not None or spec.token:
                self._open[own].host = OpenHost(name, spec.token, self._line)
        return self._open[own]

    def held(self, name: str, node_id: str) -> Connector[Any]:
        """One of a node's own, whose messages wait for `acknowledge`."""
        self._held.append(self.get(name, node_id))
        return self._held[-1]

    @property
    def holds(self) -> bool:
        """Whether there are messages that wait to be acknowledged."""
        return bool(self._held)

    def acknowledge(self) -> None:
        """Acknowledge them all; what cannot be comes again."""
        held, self._held = self._held, []
        for connector in held:
            try:
                connector.acknowledge()
            except Exception as error:
                _log.warning("messages were not acknowledged and come again", reason=repr(error))

    def secrets(self) -> frozenset[str]:
        """Secret values of all the specs, for masking."""
        found: set[str] = set()
        for spec in self._specs.values():
            for path in secret_names(self._registry.connector(spec.connector).manifest.config):
                value: Any = spec.config
                for part in path.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
                if isinstance(value, str) and len(value) >= 4:
                    found.add(value)
            if spec.token:
                found.add(spec.token)
        return frozenset(found)

    def close(self) -> None:
        """Close all; one that fails to close does not keep the others open."""
        for connector in self._open.values():
            try:
                connector.close()
            except Exception:  # noqa: S112 - the work is done; a close that fails changes nothing
                continue
        self._open.clear()


class StepContext:
    """A `NodeContext` of one node in one attempt."""

    def __init__(
        self,
        *,
        execution_id: str,
        node_id: str,
        attempt: int,
        params: Mapping[str, Any],
        input_data: Mapping[str, Any],
        engine: Engine,
        scratch: Path,
        connections: Connections,
        rejects_connected: bool,
        emit: Callable[[Report], None],
        cancelled: Callable[[], bool],
        resumed: Resumed | None = None,
        results: Callable[[], Any] = lambda: None,
        stored: Mapping[str, int] | None = None,
        narrowing: Callable[[Stream], Narrowing] = lambda _stream: Narrowing(),
    ) -> None:
        self.narrowing = narrowing
        self.resumed = resumed
        self.results = results
        self._stored = stored or {}
        self.execution_id = execution_id
        self.node_id = node_id
        self.attempt = attempt
        self.effect_key = f"{execution_id}:{node_id}"
        self.params = params
        self.input_data = input_data
        self.engine = engine
        self.scratch = scratch
        self.rejects_connected = rejects_connected
        self.rejects = Rejects(engine, scratch, node_id)
        self.result: WriteResult | None = None
        self.asset: tuple[str, str] | None = None
        self._connections = connections
        self._emit = emit
        self._cancelled = cancelled
        self._secrets = connections.secrets()

    def connector(self, connection: str) -> Connector[Any]:
        """The open connector of a connection."""
        return self._connections.get(connection)

    def held(self, connection: str) -> Connector[Any]:
        """One of the node's own, whose messages are acknowledged once the segment is committed."""
        return self._connections.held(connection, self.node_id)

    def reject(self, rows: Sequence[Reject]) -> None:
        """Keep rejected rows for the error port."""
        self.rejects.add(rows)

    def wrote(self, result: WriteResult, *, connection: str = "", target: str = "") -> None:
        """Keep the counts of an effect, and what was written."""
        self.result = result
        self.asset = (connection, target) if connection and target else None

    def input_rows(self, port: str = "in") -> int:
        """Rows of a stored input."""
        return self._stored.get(port, 0)

    def respond(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Answer the request that started the execution."""
        self._emit(Responded(status, dict(headers), body))

    def progress(self, rows: int) -> None:
        """Report rows so far.

        Raises:
            Cancelled: the execution is being cancelled.
        """
        if self._cancelled():
            raise Cancelled
        self._emit(NodeProgress(self.node_id, rows))

    def log(self, message: str, *, level: Any = "info", **fields: Any) -> None:
        """Write a line to the execution's log."""
        self._emit(LogLine(message=self.mask(message), level=level, node_id=self.node_id, fields=fields))

    def mask(self, text: str) -> str:
        """Replace the secrets of the segment's connections."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
