"""The work: messages are hidden while they are read, then given back or deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from headrace.kits.records.aws import AwsConnector
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import Column, DataType

from headrace_connector_sqs import SqsConfig, SqsReadOptions

TOGETHER = 10
BODY_BYTES = 25_000
"""Ten of them are below the limit of a request, 256 KiB, whatever it counts beside."""


class SqsConnector(AwsConnector[SqsConfig], MessagesConnector[SqsConfig]):
    """Queues of one region."""

    service = "SQS"
    kind = "queue"
    api = "sqs"
    key = ("_id",)
    facts = (
        Column("_id", DataType.TEXT, nullable=False), Column("_at", DataType.TIMESTAMP, zone="UTC"),
        Column("_received", DataType.INTEGER, bits=64),
    )  # fmt: skip
    modes = ("append",)
    read_options = SqsReadOptions
    _held: list[str] = []
    _rest: list[str] = []
    _queue = ""

    def ping(self) -> None:
        """One name of a queue."""
        self.client().list_queues(MaxResults=1)

    def names(self) -> Iterable[str]:
        """Queues of the region."""
        pages = self.client().get_paginator("list_queues").paginate()
        return [url.rpartition("/")[2] for page in pages for url in page.get("QueueUrls", ())]

    def _url(self, name: str) -> str:
        """Address of a queue; empty if there is none."""
        try:
            return str(self.client().get_queue_url(QueueName=name)["QueueUrl"])
        except self.client().exceptions.QueueDoesNotExist:
            return ""

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Messages until none come, each once."""
        self._queue, self._held, self._rest = self._url(name), [], []
        seen: set[str] = set()
        while self._queue:
            answer = self.client().receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=TOGETHER, WaitTimeSeconds=options.wait_s,
                VisibilityTimeout=options.hidden_s,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )  # fmt: skip
            messages = answer.get("Messages", ())
            self._rest = [message["ReceiptHandle"] for message in messages]
            for message in messages:
                self._held.append(self._rest.pop(0))
                if message["MessageId"] not in seen:
                    seen.add(message["MessageId"])
                    yield _record(message)
            if not messages:
                return

    def released(self) -> None:
        """Give back what was not deleted."""
        held, self._held, self._rest = self._held + self._rest, [], []
        self._each("change_message_visibility_batch", held, VisibilityTimeout=0)

    def handed(self, name: str, options: Any) -> None:
        """Delete what was handed on, if it is to be consumed."""
        if options.take == "consume":
            held, self._held = self._held, []
            self._each("delete_message_batch", held)

    def _each(self, call: str, handles: list[str], **more: Any) -> None:
        for start in range(0, len(handles), TOGETHER):
            group = handles[start : start + TOGETHER]
            entries = [{"Id": str(number), "ReceiptHandle": handle, **more} for number, handle in enumerate(group)]
            getattr(self.client(), call)(QueueUrl=self._queue, Entries=entries)

    def begin(self, write: Write, spool: Spool) -> None:
        """A queue that is missing is made."""
        fifo = {"FifoQueue": "true"} if write.name.endswith(".fifo") else {}
        self._queue = self._url(write.name)
        if not self._queue:
            self._queue = self.client().create_queue(QueueName=write.name, Attributes=fifo)["QueueUrl"]

    def give(self, write: Write, part: Part) -> Given:
        """Send in groups of ten; what the service refuses is told with its row."""
        made, rejects = bodies(part, BODY_BYTES)
        fifo = write.name.endswith(".fifo")
        waiting = list(made.items())
        for start in range(0, len(waiting), TOGETHER):
            entries = []
            for index, body in waiting[start : start + TOGETHER]:
                named = {"MessageDeduplicationId": part.ids[index], "MessageGroupId": "headrace"} if fifo else {}
                entries.append({"Id": str(index), "MessageBody": body.decode(), **named})
            answer = self.client().send_message_batch(QueueUrl=self._queue, Entries=entries)
            for failed in answer.get("Failed", ()):
                rejects.append(
                    part.rejected(int(failed["Id"]), f"the queue refuses it: {failed.get('Message', '')[:200]}")
                )
        return Given(0, rejects)


def _record(message: dict[str, Any]) -> Record:
    about = message.get("Attributes", {})
    at = datetime.fromtimestamp(int(about["SentTimestamp"]) / 1000, UTC) if "SentTimestamp" in about else None
    return {**fields_of(message["Body"].encode()), "_id": message["MessageId"], "_at": at,
            "_received": int(about.get("ApproximateReceiveCount", 1))}  # fmt: skip
