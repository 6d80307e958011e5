"""Child process: opens the sources of one organization and asks them, each in a thread of its own.

Like a runner it gets no database address and no key of its parent; configs and connections come with the question.
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
import structlog
from msgspec import Struct, structs

from headrace.engine.context import Connections
from headrace.engine.messages import Problem
from headrace.engine.problems import problem_of
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import load
from headrace.sdk.config import Config, parse_config
from headrace.sdk.connectors import Connector
from headrace.sdk.errors import ConfigError
from headrace.sdk.triggers import Received, SourceTrigger, Standing
from headrace.worker.runner import confine, take_pipes
from headrace.worker.wire import Ready, frame, read_frame

_log = structlog.get_logger("headrace.source")


What: TypeAlias = Literal["receive", "standing", "retire"]


class Ask(Struct, frozen=True, kw_only=True, tag="ask"):
    """Open the source if it is not, and ask it: for events, how it stands, or to free what it holds."""

    trigger_id: str
    kind: str
    configuration: dict[str, Any]
    secrets: dict[str, Any]
    connections: dict[str, ConnectionSpec]
    cursor: dict[str, Any]
    wait_s: float
    what: What = "receive"


class Stored(Struct, frozen=True, tag="stored"):
    """What it told last is stored."""

    trigger_id: str


class Shut(Struct, frozen=True, tag="shut"):
    """Close the source."""

    trigger_id: str


class Told(Struct, frozen=True, kw_only=True, tag="told"):
    """What a source gave; `every_s` as it wants to be asked."""

    trigger_id: str
    received: Received = Received()
    standing: Standing = Standing()
    every_s: float = 0.0


class Trouble(Struct, frozen=True, kw_only=True, tag="trouble"):
    """A source failed; it is closed."""

    trigger_id: str
    problem: Problem


ToSource: TypeAlias = Ask | Stored | Shut
Plain = TypeVar("Plain", Received, Standing)
FromSource: TypeAlias = Told | Trouble | Ready
_orders: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(ToSource)


def main(parent: int) -> int:
    """Serve until the parent closes the pipe."""
    confine(parent)
    orders, reports = take_pipes()
    host, lock = load_plugins(), threading.Lock()

    def send(message: Struct) -> None:
        with lock:
            reports.write(frame(message))
            reports.flush()

    send(Ready(host.plugin_set_hash))
    seats: dict[str, _Seat] = {}
    while (body := read_frame(orders)) is not None:
        order: ToSource = _orders.decode(body)
        seat = seats.get(order.trigger_id)
        if seat is None or not seat.thread.is_alive():
            seat = seats[order.trigger_id] = _Seat(host, send, order.trigger_id)
        seat.orders.put(order)
        if isinstance(order, Shut):
            del seats[order.trigger_id]
    return 0


class _Context:
    """What a source may touch."""

    def __init__(self, trigger_id: str, connections: Connections) -> None:
        self.trigger_id = trigger_id
        self._connections = connections

    def connector(self, connection: str) -> Connector[Any]:
        """The open connector of a connection."""
        return self._connections.get(connection)

    def log(self, message: str, **fields: Any) -> None:
        """Write a line to the log of the process."""
        _log.info(message, trigger=self.trigger_id, **fields)


class _Seat:
    """The thread of one source."""

    def __init__(self, host: Host, send: Any, trigger_id: str) -> None:
        self.orders: queue.SimpleQueue[ToSource] = queue.SimpleQueue()
        self._host, self._send, self._id = host, send, trigger_id
        self._source: SourceTrigger[Any] | None = None
        self._connections: Connections | None = None
        self._last: Received | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True, name=f"source-{trigger_id}")
        self.thread.start()

    def _serve(self) -> None:
        while True:
            order = self.orders.get()
            try:
                if isinstance(order, Shut):
                    self._close()
                    return
                if isinstance(order, Stored):
                    if self._source is not None and self._last is not None:
                        self._source.accepted(self._last)
                    continue
                self._ask(order)
            except Exception as error:
                self._close()
                self._send(Trouble(trigger_id=self._id, problem=problem_of(error)))

    def _ask(self, order: Ask) -> None:
        source = self._source or self._open(order)
        assert self._connections is not None  # noqa: S101 - opened together
        context = _Context(self._id, self._connections)
        if order.what == "retire":
            source.retire(context)
            told = Told(trigger_id=self._id)
        elif order.what == "standing":
            told = Told(trigger_id=self._id, standing=_plain(source.standing(context)))
        else:
            self._last = source.receive(context, order.cursor, wait_s=order.wait_s)
            told = Told(trigger_id=self._id, received=_without_objects(self._last), every_s=source.every_s)
        self._send(told)

    def _open(self, order: Ask) -> SourceTrigger[Any]:
        entry = self._host.registry.trigger(order.kind)
        if entry.manifest.factory is None:
            raise ConfigError(f"'{entry.manifest.title}' asks nothing; choose another trigger")
        config = parse_config(entry.manifest.config, order.configuration)
        secrets: Config | None = parse_config(entry.manifest.secrets, order.secrets) if entry.manifest.secrets else None
        self._connections = Connections(self._host.registry, order.connections)
        made: SourceTrigger[Any] = load(entry.manifest.factory.load, entry.plugin)(config, secrets)
        self._source = made
        return made

    def _close(self) -> None:
        source, connections = self._source, self._connections
        self._source = self._connections = self._last = None
        if source is not None:
            try:
                source.close()
            except Exception as error:
                _log.warning("a source did not close", trigger=self._id, reason=type(error).__name__)
        if connections is not None:
            connections.close()


def _without_objects(received: Received) -> Received:
    """Its events as JSON-ready data, with their files as they are."""
    bare = [structs.replace(event, files=()) for event in received.events]
    plain = _plain(structs.replace(received, events=bare))
    events = [
        structs.replace(made, files=event.files) for made, event in zip(plain.events, received.events, strict=True)
    ]
    return structs.replace(plain, events=events)


def _plain(told: Plain) -> Plain:
    """The same as JSON-ready data: times as text, exact numbers as text."""
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(told)), type(told))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
