"""The work: partitions are read to where they ended, offsets are committed when rows were handed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.place import Runner, tls_context
from headrace.kits.records.spool import Part
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError, Message, Taken, Taking
from headrace.sdk.egress import check_host

from headrace_connector_kafka import KafkaConfig, KafkaReadOptions, KafkaWriteOptions

PAGE = 1_000
_DENIED = (ClusterAuthorizationFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError)
BODY_BYTES = 1_000_000
POLL_MS = 1_000
SILENT = 30
"""Polls without an answer after which a broker counts as away."""


class KafkaConnector(MessagesConnector[KafkaConfig]):
    """One cluster."""

    service = "Kafka"
    kind = "topic"
    key = ("_partition", "_offset")
    facts = (
        Column("_partition", DataType.INTEGER, nullable=False, bits=64),
        Column("_offset", DataType.INTEGER, nullable=False, bits=64), Column("_key", DataType.TEXT),
        Column("_at", DataType.TIMESTAMP, zone="UTC"),
    )  # fmt: skip
    modes = ("append",)
    read_options = KafkaReadOptions
    write_options = KafkaWriteOptions

    def __init__(self, config: KafkaConfig) -> None:
        super().__init__(config)
        self._runner = Runner()
        self._opened: list[Any] = []
        self._plain: Any = None
        self._producer: Any = None
        self._grouped: Any = None
        self._seen: dict[Any, int] = {}
        self._follows: tuple[str, Any, dict[str, Any]] | None = None

    def _shared(self) -> dict[str, Any]:
        config = self.config
        check_host(config.host, config.port)  # a refusal at once, in words; the loop judges every connection
        host = f"[{config.host}]" if ":" in config.host else config.host
        way = ("SASL_" if config.user else "") + ("SSL" if config.tls else "PLAINTEXT")
        login = {"sasl_mechanism": config.sasl, "sasl_plain_username": config.user,
                 "sasl_plain_password": config.password.reveal()}  # fmt: skip
        return {
            "bootstrap_servers": f"{host}:{config.port}", "client_id": "headrace", "request_timeout_ms": 20_000,
            "security_protocol": way, "ssl_context": tls_context(config.authority) if config.tls else None,
            **(login if config.user else {}),
        }  # fmt: skip

    async def _consumer(self, *topics: str, group: str = "") -> Any:
        made = AIOKafkaConsumer(*topics, **self._shared(), group_id=group or None, enable_auto_commit=False,
                                auto_offset_reset="earliest", max_partition_fetch_bytes=4 * 1024 * 1024)  # fmt: skip
        self._opened.append(made)
        await made.start()
        return made

    def ping(self) -> None:
        """The topics."""
        self.names()

    def names(self) -> Iterable[str]:
        """Topics of the cluster, without its own."""
        return [name for name in self._runner.run(self._topics()) if not name.startswith("__")]

    async def _topics(self) -> Any:
        if self._plain is None:
            self._plain = await self._consumer()
        return await self._plain.topics()

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Records of all partitions, up to where they end now."""
        if name not in self._runner.run(self._topics()):  # asking for it would make it
            return
        self._seen = {}
        consumer, left = self._runner.run(self._begin(name, options.group))
        silent = 0
        while left:
            page = self._runner.run(consumer.getmany(*left, timeout_ms=POLL_MS, max_records=PAGE))
            silent = 0 if page else silent + 1
            if silent > SILENT:
                raise self.away("no records come")
            for partition, found in page.items():
                for message in found:
                    if message.offset < left[partition]:
                        self._seen[partition] = message.offset + 1
                        yield _record(message)
            left = self._runner.run(self._left(consumer, left))

    async def _begin(self, name: str, group: str) -> tuple[Any, dict[Any, int]]:
        """A consumer at its first record, and the ends of the partitions that have more."""
        consumer = await self._consumer(name)
        parts = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        ends, starts = await consumer.end_offsets(parts), await consumer.beginning_offsets(parts)
        if group:
            self._grouped = await self._consumer(group=group)
            self._grouped.assign(parts)
        for part in parts:
            kept = await self._grouped.committed(part) if group else None
            consumer.seek(part, max(starts[part], kept or 0))
        return consumer, await self._left(consumer, ends)

    async def _left(self, consumer: Any, ends: dict[Any, int]) -> dict[Any, int]:
        return {part: end for part, end in ends.items() if await consumer.position(part) < end}

    def take(self, asked: Taking) -> Taken:
        """Records behind the cursor, which has the next offset of each partition."""

        def some() -> Taken:
            return self._runner.run(self._next(asked, dict(asked.cursor)))

        return self._call(some)

    async def _next(self, asked: Taking, cursor: dict[str, Any]) -> Taken:
        name = asked.stream
        if self._follows is None or self._follows[0] != name or self._follows[2] != cursor:
            await self._follow(name, cursor, asked.first)
        assert self._follows is not None  # noqa: S101 - it follows
        _, consumer, place = self._follows
        page = await consumer.getmany(timeout_ms=int(asked.wait_s * 1000), max_records=asked.most)
        records = [_record(message) for part in sorted(page) for message in page[part]]
        place = {**place, **{str(part.partition): found[-1].offset + 1 for part, found in page.items() if found}}
        self._follows = (name, consumer, place)
        messages = [Message(f"{row['_partition']}:{row['_offset']}", dict(row)) for row in records]
        return Taken(messages=messages, cursor=place, more=bool(messages))

    async def _follow(self, name: str, cursor: dict[str, Any], first: str) -> None:
        """A consumer at the cursor; a partition without a place begins where all do, one that is new with its first."""
        consumer = self._follows[1] if self._follows is not None and self._follows[0] == name else None
        if consumer is None:
            if name not in await self._topics():  # asking for it would make it
                raise ConfigError(f"{self.where} has no topic '{name}'; make it, or correct its name", field="stream")
            consumer = await self._consumer(name)
        parts = [TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
        starts = await consumer.beginning_offsets(parts)
        begins = await consumer.end_offsets(parts) if first == "new" and not cursor else starts
        for part in parts:
            consumer.seek(part, max(starts[part], cursor.get(str(part.partition), begins[part])))
        place = {str(part.partition): cursor.get(str(part.partition), begins[part]) for part in parts}
        self._follows = (name, consumer, place)

    def handed(self, name: str, options: Any) -> None:
        """Commit what was handed on, if there is a group."""
        if self._grouped is not None and self._seen:
            self._runner.run(self._grouped.commit(dict(self._seen)))

    def released(self) -> None:
        """Each read has links of its own."""
        self.hang_up()

    def give(self, write: Write, part: Part) -> Given:
        """Send a part, and wait for all answers."""
        made, rejects = bodies(part, BODY_BYTES)
        keyed = write.options.key_column
        keys = {index: text_of(part.records[index], keyed).encode() or None if keyed else None for index in made}
        self._runner.run(self._send(write.name, [(keys[index], body) for index, body in made.items()]))
        return Given(0, rejects)

    async def _send(self, name: str, messages: list[tuple[bytes | None, bytes]]) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(**self._shared(), acks="all", enable_idempotence=True, linger_ms=5)
            self._opened.append(producer)
            await producer.start()
            self._producer = producer
        for waiting in [await self._producer.send(name, body, key=key) for key, body in messages]:
            await waiting

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the broker's code."""
        if isinstance(error, AuthenticationFailedError | SaslAuthenticationFailed):
            return self.refused(error)
        if isinstance(error, _DENIED):
            return AuthError(f"the user has not the right to do this in {self.where}; grant it", detail=repr(error))
        if isinstance(error, KafkaConnectionError) or (isinstance(error, KafkaError) and error.retriable):
            return self.away(error)
        if isinstance(error, MessageSizeTooLargeError):
            return ConfigError(f"{self.where} takes no messages as large as these; raise its limit", detail=repr(error))
        if isinstance(error, KafkaError):
            words = f"{self.where} refuses ({type(error).__name__}); correct the step"
            return ConfigError(words, detail=repr(error), field="stream")
        return None

    def hang_up(self) -> None:
        """Close all links and the loop."""
        opened, self._opened = self._opened, []
        self._plain = self._grouped = self._producer = self._follows = None
        try:
            for one in opened:
                self._runner.run(one.stop())
        finally:
            self._runner.close()


def _record(message: Any) -> Record:
    at = datetime.fromtimestamp(message.timestamp / 1000, UTC) if message.timestamp >= 0 else None
    key = message.key.decode(errors="backslashreplace") if message.key is not None else None
    found = {"_partition": message.partition, "_offset": message.offset, "_key": key, "_at": at}
    return {**fields_of(message.value or b"{}"), **found}
