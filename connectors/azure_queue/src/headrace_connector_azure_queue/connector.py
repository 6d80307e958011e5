"""The work: messages are hidden while they are read, then given back or deleted; long reads renew the hiding."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from binascii import Error
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record, Unreadable
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import Column, DataType

from headrace_connector_azure_queue import AzureQueueConfig, AzureQueueReadOptions
from headrace_connector_azure_queue.api import PAGE, Message, Queues

MESSAGE_BYTES = 64 * 1024


class AzureQueueConnector(MessagesConnector[AzureQueueConfig]):
    """Queues of one account."""

    service = "Azure Queue Storage"
    kind = "queue"
    key = ("_id",)
    facts = (
        Column("_id", DataType.TEXT, nullable=False), Column("_at", DataType.TIMESTAMP, zone="UTC"),
        Column("_received", DataType.INTEGER, bits=64),
    )  # fmt: skip
    modes = ("append",)
    read_options = AzureQueueReadOptions
    _open: Queues | None = None

    def __init__(self, config: AzureQueueConfig) -> None:
        super().__init__(config)
        self._queue = ""
        self._held: list[Message] = []
        self._rest: deque[Message] = deque()  # of a page, not given yet
        self._until = 0.0

    @property
    def where(self) -> str:
        """The account for people."""
        return f"Azure Queue Storage '{self.config.account}'"

    def _queues(self) -> Queues:
        self._open = self._open or Queues(self.config)
        return self._open

    def ping(self) -> None:
        """One name of a queue."""
        next(self._queues().names(limit=1), None)

    def names(self) -> Iterable[str]:
        """Queues of the account."""
        return self._queues().names()

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Messages until none come, each once."""
        queues = self._queues()
        self._queue, self._held, self._rest = name, [], deque()
        if not queues.exists(name):
            return
        seen: set[str] = set()
        self._until = time.monotonic() + options.hidden_s / 2
        while len(seen) < options.max_messages:
            page = queues.take(name, options.hidden_s, min(PAGE, options.max_messages - len(seen)))
            self._rest = deque(page)
            for message in page:
                self._renew(options.hidden_s)
                self._held.append(self._rest.popleft())
                if message.id not in seen:
                    seen.add(message.id)
                    yield self._record(message, options.reject_after)
            if not page:
                return

    def _renew(self, hidden_s: int) -> None:
        """Half of the time has gone: hide what is held for as long again."""
        if time.monotonic() > self._until:
            for message in (*self._held, *self._rest):
                self._queues().hide(self._queue, message, hidden_s)
            self._until = time.monotonic() + hidden_s / 2

    def _record(self, message: Message, most: int) -> Record:
        body = message.text.encode()
        if self.config.encoding == "base64":
            try:
                body = b64decode(message.text, validate=True)
            except (Error, ValueError):
                body = message.text.encode()  # sent by somebody who does not encode
        facts = {"_id": message.id, "_at": message.inserted, "_received": message.count}
        if most and message.count > most:
            return Unreadable({**fields_of(body), **facts},
                              f"the message came {message.count} times, and {most} are allowed")  # fmt: skip
        return {**fields_of(body), **facts}

    def handed(self, name: str, options: Any) -> None:
        """Delete what was handed on, if it is to be consumed."""
        if options.take == "consume":
            while self._held:
                self._queues().delete(name, self._held[0])
                self._held.pop(0)

    def released(self) -> None:
        """Give back what was not deleted."""
        held, self._held, self._rest = [*self._held, *self._rest], [], deque()
        for message in held:
            self._queues().hide(self._queue, message, 0)

    def begin(self, write: Write, spool: Spool) -> None:
        """A queue that is missing is made."""
        self._queues().make(write.name)

    def give(self, write: Write, part: Part) -> Given:
        """Send one by one."""
        packed = self.config.encoding == "base64"
        made, rejects = bodies(part, MESSAGE_BYTES * 3 // 4 if packed else MESSAGE_BYTES)
        for body in made.values():
            self._queues().put(write.name, (b64encode(body) if packed else body).decode())
        return Given(0, rejects)

    def hang_up(self) -> None:
        """Close the connections."""
        queues, self._open = self._open, None
        if queues is not None:
            queues.close()
