"""The work: topics are found by name, rows are published ten at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from headrace.kits.records.aws import AwsConnector
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import ConfigError, Connector, Stream, TransientError
from msgspec import Struct

from headrace_connector_sns import PublishInput, PublishOutput, SnsConfig, SnsWriteOptions

TOGETHER = 10
BODY_BYTES = 25_000
"""Ten of them are below the limit of a request, 256 KiB, whatever it counts beside."""
FIFO = ".fifo"


class SnsConnector(AwsConnector[SnsConfig]):
    """Topics of one region."""

    service = "SNS"
    kind = "topic"
    api = "sns"
    modes = ("append",)
    write_options = SnsWriteOptions
    read = Connector.read  # a topic keeps nothing
    _arn = ""

    def ping(self) -> None:
        """One page of topics."""
        self.client().list_topics()

    def _topics(self) -> Iterator[str]:
        for page in self.client().get_paginator("list_topics").paginate():
            yield from (topic["TopicArn"] for topic in page.get("Topics", ()))

    def names(self) -> Iterable[str]:
        """Topics of the region."""
        return [arn.rpartition(":")[2] for arn in self._topics()]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """A topic; it has no rows to learn columns from."""
        return Stream(name=name, columns=())

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """None."""
        return iter(())

    def _found(self, name: str) -> str:
        """ARN of a topic; empty if there is none."""
        if name.startswith("arn:"):
            return name
        return next((arn for arn in self._topics() if arn.rpartition(":")[2] == name), "")

    def begin(self, write: Write, spool: Spool) -> None:
        """A topic that is missing is made."""
        for name in write.options.attribute_columns:
            if spool.columns and name not in spool.columns:
                raise ConfigError(f"the rows have no column '{name}'; they have {', '.join(spool.columns[:20])}",
                                  field="attribute_columns", column=name)  # fmt: skip
        fifo = {"FifoTopic": "true"} if write.name.endswith(FIFO) else {}
        self._arn = self._found(write.name)
        if not self._arn:
            self._arn = self.client().create_topic(Name=write.name, Attributes=fifo)["TopicArn"]

    def give(self, write: Write, part: Part) -> Given:
        """Publish in groups of ten; what the service refuses is told with its row."""
        made, rejects = bodies(part, BODY_BYTES)
        entries: list[dict[str, Any]] = []
        for index, body in made.items():
            beside = {name: part.records[index].get(name) for name in write.options.attribute_columns}
            attributes = _attributes({name: str(value) for name, value in beside.items() if value is not None})
            size = len(body) + sum(len(f"{name}{one['StringValue']}".encode()) for name, one in attributes.items())
            if size > BODY_BYTES:
                rejects.append(
                    part.rejected(index, f"the row has {size:,} bytes with its attributes; {BODY_BYTES:,} are allowed")
                )
                continue
            named = _named("headrace", part.ids[index]) if write.name.endswith(FIFO) else {}
            entries.append({"Id": str(index), "Message": body.decode(), "MessageAttributes": attributes, **named})
        for start in range(0, len(entries), TOGETHER):
            group = entries[start : start + TOGETHER]
            answer = self.client().publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=group)
            for failed in answer.get("Failed", ()):
                said = str(failed.get("Message", ""))[:200]
                if not failed.get("SenderFault", True):
                    raise TransientError(f"{self.where} cannot take messages now; it is tried again", detail=said)
                rejects.append(part.rejected(int(failed["Id"]), f"the topic refuses it: {said}"))
        return Given(0, rejects)

    def act(self, action: str, value: Struct, *, key: str) -> PublishOutput:
        """Publish a message; a FIFO topic takes the same key once within five minutes.

        Raises:
            ConfigError: there is no such topic, or it refuses the message.
            AuthError, TransientError: as the service answers.
        """
        given = msgspec.convert(msgspec.to_builtins(value), PublishInput)
        with self.told():
            arn = self._found(given.topic)
            if not arn:
                raise ConfigError(f"{self.where} has no topic '{given.topic}'; correct its name", field="topic")
            more: dict[str, Any] = {"Subject": given.subject} if given.subject else {}
            if arn.endswith(FIFO):
                more |= _named(given.group, hashlib.sha256(key.encode()).hexdigest())
            answer = self.client().publish(
                TopicArn=arn, Message=given.message, MessageAttributes=_attributes(given.attributes), **more
            )
        return PublishOutput(answer["MessageId"])


def _attributes(values: dict[str, str]) -> dict[str, Any]:
    """Attributes as the service takes them; it has none without a value."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items() if value}


def _named(group: str, name: str) -> dict[str, str]:
    return {"MessageGroupId": group, "MessageDeduplicationId": name}
