"""Live messages over Redis streams: fast, bounded, and never the truth.

A channel is one stream per organization, e.g. `headrace:bus:<organization>:execution:<id>`. Who needs every event reads
the database too (`headrace.executions.live.follow`); a message that is lost here costs a little latency, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import redis.asyncio as aioredis
from msgspec import Struct
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from headrace.infra.ids import new_id

PREFIX = "headrace:bus"
KEEP_MESSAGES = 1_000
KEEP_S = 600
CHANGED = "headrace:changed"
CHANGED_S = 60
"""How long a change is remembered: longer than a read replica that is asked may be behind."""
MARK = """
local t = redis.call('TIME')
redis.call('SET', KEYS[1], t[1] * 1000000 + t[2], 'PX', ARGV[1])
"""
"""Remembers when something of an organization has changed, by Redis' clock."""
_BLOCK_MS = 2_000
_BACKLOG = 10_000
_AWAY_S = 2.0


class Message(Struct, frozen=True, kw_only=True):
    """One live message. `seq` is that of the event in the database; None for passing states such as progress."""

    channel: str
    type: str
    data: dict[str, Any]
    timestamp: datetime
    seq: int | None = None


class Bus:
    """Publishes and subscribes; one reader connection for all subscriptions of the process."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._client: Any = client  # its stubs describe every reply as a union of all protocols
        self._queues: dict[str, set[asyncio.Queue[Message | None]]] = {}
        self._ids: dict[str, str] = {}
        self._wake = f"{PREFIX}:wake:{new_id()}"
        self._reader: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._waiting: list[tuple[UUID, str, bytes]] = []
        self._sent: asyncio.Future[bool] | None = None
        self._sender: asyncio.Task[None] | None = None

    @classmethod
    def from_url(cls, url: str) -> Bus:
        """Open; nothing connects yet."""
        once = Retry(NoBackoff(), 0)
        return cls(aioredis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=10, retry=once))

    async def publish(self, organization_id: UUID, *messages: Message) -> bool:
        """Send messages; False when Redis is away, which the caller may ignore; it is left alone for a while then."""
        if time.monotonic() < self._away_until:
            return False
        for one in messages:
            self._waiting.append((organization_id, _key(organization_id, one.channel), msgspec.json.encode(one)))
        sent = self._sent = self._sent or asyncio.get_running_loop().create_future()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await asyncio.shield(sent)

    async def _send(self) -> None:
        """Send what waits, together; what comes meanwhile goes next."""
        while (sent := self._sent) is not None:
            messages, self._waiting, self._sent = self._waiting, [], None
            done = False
            try:
                done = time.monotonic() >= self._away_until and await self._sent_all(messages)
            finally:
                sent.set_result(done)

    async def _sent_all(self, messages: Sequence[tuple[UUID, str, bytes]]) -> bool:
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for changed in {organization_id for organization_id, _, _ in messages}:
                    pipe.eval(MARK, 1, f"{CHANGED}:{changed}", CHANGED_S * 1000)  # first: who hears of it reads it
                for _, key, body in messages:
                    pipe.xadd(key, {"m": body}, maxlen=KEEP_MESSAGES, approximate=True)
                for key in {key for _, key, _ in messages}:
                    pipe.expire(key, KEEP_S)
                await pipe.execute()
        except (RedisError, OSError):
            self._away_until = time.monotonic() + _AWAY_S
            return False
        return True

    async def evaluate(self, script: str, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        """What a script in Redis gives.

        Raises:
            RedisError, OSError: Redis is away.
        """
        return await self._client.eval(script, len(keys), *keys, *arguments)

    @asynccontextmanager
    async def subscribe(
        self, organization_id: UUID, channel: str, *, whole: bool = False
    ) -> AsyncIterator[asyncio.Queue[Message | None]]:
        """Give a queue of the channel's messages from now on; None in it says that some may have been missed.

        With `whole`, of all that is kept: what was sent before is not missed.
        """
        key = _key(organization_id, channel)
        queue: asyncio.Queue[Message | None] = asyncio.Queue(_BACKLOG)
        self._queues.setdefault(key, set()).add(queue)
        if key in self._ids:
            if whole:  # others have heard the first already
                queue.put_nowait(None)
        else:
            self._ids[key] = "0" if whole else await self._last_id(key)
        await self._poke()
        try:
            yield queue
        finally:
            self._queues[key].discard(queue)
            if not self._queues[key]:
                del self._queues[key]
                self._ids.pop(key, None)

    async def close(self) -> None:
        """Stop reading and close the connections; what was to be sent is sent before."""
        if self._sender is not None:
            await asyncio.gather(self._sender, return_exceptions=True)
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        with contextlib.suppress(RedisError, OSError):
            await self._client.delete(self._wake)
        await self._client.aclose()

    async def _last_id(self, key: str) -> str:
        with contextlib.suppress(RedisError, OSError):
            newest = await self._client.xrevrange(key, count=1)
            return newest[0][0].decode() if newest else "0"
        return "$"

    async def _poke(self) -> None:
        """Let the reader take up a new channel at once."""
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
            return
        with contextlib.suppress(RedisError, OSError):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.xadd(self._wake, {"w": b""}, maxlen=1)
                pipe.expire(self._wake, KEEP_S)
                await pipe.execute()

    async def _read(self) -> None:
        woken = "0"
        while True:
            try:
                wanted = {self._wake: woken, **self._ids}
                for name, entries in await self._client.xread(wanted, block=_BLOCK_MS) or ():
                    key = name.decode()
                    if key == self._wake:
                        woken = entries[-1][0].decode()
                    elif key in self._ids:
                        self._ids[key] = entries[-1][0].decode()
                        self._deliver(key, [fields.get(b"m", b"") for _, fields in entries])
            except (RedisError, OSError):
                self._lost()
                await asyncio.sleep(1)

    def _deliver(self, key: str, raw: list[bytes]) -> None:
        messages = [message for item in raw if (message := _message(item)) is not None]
        for queue in self._queues.get(key, ()):
            for message in messages:
                if queue.full():
                    while not queue.empty():
                        queue.get_nowait()
                    queue.put_nowait(None)
                queue.put_nowait(message)

    def _lost(self) -> None:
        """Redis went away and may come back empty: start over and say so."""
        for key, queues in self._queues.items():
            self._ids[key] = "0"
            for queue in queues:
                if queue.empty():
                    queue.put_nowait(None)


def _message(raw: bytes) -> Message | None:
    """None for what is no message; whoever can write to Redis may write anything."""
    try:
        return msgspec.json.decode(raw, type=Message)
    except msgspec.MsgspecError:
        return None


def _key(organization_id: UUID, channel: str) -> str:
    return f"{PREFIX}:{organization_id}:{channel}"
