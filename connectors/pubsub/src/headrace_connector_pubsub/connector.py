"""The work: messages are pulled and kept from others while they are read, then given back or acknowledged."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import Column, ConfigError, DataType

from headrace_connector_pubsub import PubsubConfig, PubsubReadOptions, PubsubWriteOptions
from headrace_connector_pubsub.api import Api

TOGETHER = 1_000
BODY_BYTES, REQUEST_BYTES = 6_000_000, 9_000_000
"""Of a message, and of a request in base64; 10 MB are allowed."""
NAP_S = 0.2


class PubsubConnector(MessagesConnector[PubsubConfig]):
    """One project."""

    service = "Pub/Sub"
    kind = "subscription"
    key = ("_id",)
    facts = (
        Column("_id", DataType.TEXT, nullable=False), Column("_at", DataType.TIMESTAMP, zone="UTC"),
        Column("_ordering_key", DataType.TEXT), Column("_attributes", DataType.JSON),
    )  # fmt: skip
    modes = ("append",)
    read_options = PubsubReadOptions
    write_options = PubsubWriteOptions
    _open: Api | None = None

    def __init__(self, config: PubsubConfig) -> None:
        super().__init__(config)
        self._subscription = ""
        self._held: list[str] = []
        self._rest: deque[str] = deque()  # of a page, not given yet
        self._until = 0.0

    @property
    def where(self) -> str:
        """The project for people."""
        return f"Pub/Sub of '{self.config.project}'"

    def _api(self) -> Api:
        self._open = self._open or Api(self.config)
        return self._open

    def ping(self) -> None:
        """One name of a topic."""
        next(self._api().listed("topics", page=1), None)

    def names(self) -> Iterable[str]:
        """Subscriptions of the project."""
        return self._api().listed("subscriptions")

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Messages until it is quiet, each once."""
        api = self._api()
        self._subscription, self._held = api.path("subscriptions", name), []
        self._rest = deque()
        if api.call("GET", self._subscription, fine=404) is None:
            return
        seen: set[str] = set()
        quiet = self._until = time.monotonic()
        while len(seen) < options.max_messages and time.monotonic() - quiet < self.quiet_s:
            asked = {"maxMessages": min(TOGETHER, options.max_messages - len(seen)), "returnImmediately": True}
            page = api.call("POST", f"{self._subscription}:pull", asked).get("receivedMessages", ())
            self._rest = deque(one["ackId"] for one in page)
            self._renew(options.hidden_s, fresh=bool(page))
            for one in page:
                quiet = time.monotonic()
                self._held.append(self._rest.popleft())
                if one["message"]["messageId"] not in seen:
                    seen.add(one["message"]["messageId"])
                    yield _record(one["message"])
                    self._renew(options.hidden_s)
            if not page:
                time.sleep(min(NAP_S, self.quiet_s / 2))

    def _renew(self, hidden_s: int, *, fresh: bool = False) -> None:
        """Keep what is held from others for as long again: when it has come, and when half of the time has gone."""
        if fresh or time.monotonic() > self._until:
            self._hide([*self._held, *self._rest], hidden_s)
            self._until = time.monotonic() + hidden_s / 2

    def _hide(self, held: list[str], seconds: int) -> None:
        for start in range(0, len(held), TOGETHER):
            data = {"ackIds": held[start : start + TOGETHER], "ackDeadlineSeconds": seconds}
            self._api().call("POST", f"{self._subscription}:modifyAckDeadline", data)

    def handed(self, name: str, options: Any) -> None:
        """Acknowledge what was handed on, if it is to be consumed."""
        while options.take == "consume" and self._held:
            self._api().call("POST", f"{self._subscription}:acknowledge", {"ackIds": self._held[:TOGETHER]})
            del self._held[:TOGETHER]

    def released(self) -> None:
        """Give back what was not acknowledged."""
        held, self._held, self._rest = [*self._held, *self._rest], [], deque()
        self._hide(held, 0)

    def begin(self, write: Write, spool: Spool) -> None:
        """A topic that is missing is made."""
        options = write.options
        for name in [*options.attribute_columns, *filter(None, [options.ordering_column])]:
            if spool.columns and name not in spool.columns:
                raise ConfigError(f"the rows have no column '{name}'; they have {', '.join(spool.columns[:20])}",
                                  field="options", column=name)  # fmt: skip
        path = self._api().path("topics", write.name)
        if self._api().call("GET", path, fine=404) is None:
            self._api().call("PUT", path, {}, fine=409)

    def give(self, write: Write, part: Part) -> Given:
        """Publish a part, in requests of bounded size."""
        made, rejects = bodies(part, BODY_BYTES)
        path = f"{self._api().path('topics', write.name)}:publish"
        messages: list[dict[str, Any]] = []
        size = 0
        for index, body in made.items():
            record = part.records[index]
            beside = {name: text_of(record, name) for name in write.options.attribute_columns if text_of(record, name)}
            data = b64encode(body).decode()
            if messages and size + len(data) > REQUEST_BYTES:
                self._api().call("POST", path, {"messages": messages})
                messages, size = [], 0
            ordering = text_of(record, write.options.ordering_column) if write.options.ordering_column else ""
            messages.append({"data": data, "attributes": {"headrace_id": part.ids[index], **beside},
                             **({"orderingKey": ordering} if ordering else {})})  # fmt: skip
            size += len(data)
        if messages:
            self._api().call("POST", path, {"messages": messages})
        return Given(0, rejects)

    def hang_up(self) -> None:
        """Close the connections."""
        api, self._open = self._open, None
        if api is not None:
            api.close()


def _record(message: dict[str, Any]) -> Record:
    at = message.get("publishTime")
    return {
        **fields_of(b64decode(message.get("data", ""))), "_id": message["messageId"],
        "_at": datetime.fromisoformat(at) if at else None, "_ordering_key": message.get("orderingKey") or None,
        "_attributes": message.get("attributes") or None,
    }  # fmt: skip
