"""The work: a consumer of its own for each read, gone with it; published messages carry their ids."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

import nats
from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.place import Runner, tls_context
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType, HeadraceError
from headrace.sdk.egress import check_host
from nats.errors import Error, NoServersError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from headrace_connector_nats import NatsConfig, NatsWriteOptions

PAGE = 500
TOGETHER = 100
BODY_BYTES = 1024 * 1024
WAIT_S = 30
LOOK_S = 0.5


class NatsConnector(RecordsConnector[NatsConfig]):
    """One server."""

    service = "NATS"
    kind = "stream"
    key = ("_sequence",)
    cursors = ("_sequence",)
    facts = (
        Column("_sequence", DataType.INTEGER, nullable=False, bits=64),
        Column("_subject", DataType.TEXT, nullable=False),
        Column("_at", DataType.TIMESTAMP, nullable=False, zone="UTC"),
    )  # fmt: skip
    modes = ("append",)
    write_options = NatsWriteOptions

    def __init__(self, config: NatsConfig) -> None:
        super().__init__(config)
        self._runner = Runner()
        self._client: Any = None
        self._subject = ""

    def _ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(self._while_linked(work))

    async def _while_linked(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the server answers; the driver alone would wait on for an answer after its link was lost."""
        asked = asyncio.ensure_future(work)
        while not (await asyncio.wait({asked}, timeout=LOOK_S))[0]:
            if self._client is not None and self._client.is_closed:
                asked.cancel()
                raise ConnectionResetError("the link was lost before the answer came")
        return asked.result()

    async def _stream_api(self) -> Any:
        if self._client is None or self._client.is_closed:
            config = self.config
            self._client = None
            check_host(config.host, config.port)  # a refusal at once, in words; the loop judges every connection
            host = f"[{config.host}]" if ":" in config.host else config.host
            secured = {"tls": tls_context(config.authority), "tls_hostname": config.host} if config.tls else {}
            self._client = await nats.connect(
                f"nats://{host}:{config.port}", connect_timeout=10, allow_reconnect=False, max_reconnect_attempts=1,
                reconnect_time_wait=0.2, user=config.user or None, password=config.password.reveal() or None,
                error_cb=_quiet, **secured,
            )  # fmt: skip
        return self._client.jetstream(timeout=WAIT_S)

    def ping(self) -> None:
        """What JetStream says of the account."""
        self._ask(self._account())

    async def _account(self) -> None:
        await (await self._stream_api()).account_info()

    def names(self) -> Iterable[str]:
        """Streams of the account."""
        yield from self._ask(self._names())

    async def _names(self) -> list[str]:
        api = await self._stream_api()
        return [info.config.name async for info in _all_streams(api)]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Messages up to the last one there is now."""
        opened = self._ask(self._open(name, int(str(after.value)) + 1 if after else 1))
        if opened is None:
            return
        pull, last = opened
        try:
            more = True
            while more:
                for message in self._ask(pull.fetch(PAGE, timeout=WAIT_S)):
                    about = message.metadata
                    if about.sequence.stream > last:
                        return
                    more = about.num_pending > 0 and about.sequence.stream < last
                    yield {**fields_of(message.data), "_sequence": about.sequence.stream, "_subject": message.subject,
                           "_at": about.timestamp}  # fmt: skip
        finally:
            self._ask(self._forget(name, pull))

    async def _open(self, name: str, first: int) -> Any:
        """A consumer, and the last sequence there is; None if there is nothing to read."""
        api = await self._stream_api()
        try:
            state = (await api.stream_info(name)).state
        except NotFoundError:
            return None
        if not state.messages or first > state.last_seq:
            return None
        how = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                             opt_start_seq=max(first, 1), inactive_threshold=300)  # fmt: skip
        return await api.pull_subscribe("", stream=name, config=how), state.last_seq

    async def _forget(self, name: str, pull: Any) -> None:
        if self._client is not None and not self._client.is_closed:
            await (await self._stream_api()).delete_consumer(name, (await pull.consumer_info()).name)

    def begin(self, write: Write, spool: Spool) -> None:
        """A stream that is missing is made, with its name as its subject."""
        self._subject = self._ask(self._target(write.name, write.options.subject))

    async def _target(self, name: str, subject: str) -> str:
        api = await self._stream_api()
        try:
            subjects = (await api.stream_info(name)).config.subjects or []
        except NotFoundError:
            await api.add_stream(name=name, subjects=[subject or name])
            return subject or name
        own = next((one for one in subjects if "*" not in one and ">" not in one), "")
        if not (subject or own):
            raise ConfigError(f"the stream '{name}' takes {', '.join(subjects)}; choose a subject in the options",
                              field="options")  # fmt: skip
        return subject or own

    def give(self, write: Write, part: Part) -> Given:
        """Publish; the server answers for each message, and leaves out what it has seen."""
        made, rejects = bodies(part, BODY_BYTES)
        self._ask(self._publish(write.name, {part.ids[index]: body for index, body in made.items()}))
        return Given(0, rejects)

    async def _publish(self, name: str, messages: dict[str, bytes]) -> None:
        """In order, a hundred before their answers are looked at."""
        api = await self._stream_api()
        waiting: list[Any] = []
        for number, body in messages.items():
            waiting.append(await api.publish_async(
                self._subject, body, wait_stall=WAIT_S, headers={"Nats-Msg-Id": number, "Nats-Expected-Stream": name}
            ))  # fmt: skip
            if len(waiting) == TOGETHER:
                await asyncio.gather(*waiting)
                waiting = []
        await asyncio.gather(*waiting)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the server's answer."""
        if isinstance(error, NoServersError | OSError):
            return self.away(error)
        if isinstance(error, APIError) and (error.code or 500) < 500:
            words = str(error.description)[:200]
            return ConfigError(f"{self.where} refuses: {words}; correct the step", detail=repr(error), field="stream")
        if isinstance(error, Error):
            denied = "authorization" in str(error).lower() or "permissions" in str(error).lower()
            return self.refused(error) if denied else self.away(error)
        return None

    def hang_up(self) -> None:
        """Close the link and its loop."""
        client, self._client = self._client, None
        try:
            if client is not None and not client.is_closed:
                self._runner.run(client.close())
        finally:
            self._runner.close()


async def _quiet(error: Exception) -> None:
    """Errors are told where they are met."""


async def _all_streams(api: Any) -> Any:
    offset = 0
    while found := await api.streams_info(offset=offset):
        for info in found:
            yield info
        offset += len(found)
