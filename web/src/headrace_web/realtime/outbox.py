"""What waits for a slow line: passing states of a node replace each other, everything else keeps its order."""

from __future__ import annotations

import asyncio

from headrace.infra.bus import Message

from headrace_web.realtime.channels import type_of
from headrace_web.realtime.protocol import OUTBOX_MAX, Outgoing


class Overflow(Exception):
    """The client reads too slowly."""


class Outbox:
    """One per socket."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str] | int, Outgoing] = {}
        self._count = 0
        self._wake = asyncio.Event()

    def put(self, message: Outgoing) -> None:
        """Queue a message.

        Raises:
            Overflow: too many wait.
        """
        self._count += 1
        self._add(self._count, message)

    def put_event(self, channel: str, message: Message) -> None:
        """Queue an event; a newer passing state of the same node takes the place of the older.

        Raises:
            Overflow: too many wait.
        """
        out = Outgoing(
            op="event",
            channel=channel,
            seq=message.seq,
            type=type_of(message, channel),
            data=message.data,
            timestamp=message.timestamp,
        )
        if message.type == "node_update" and message.seq is None:
            key = (channel, str(message.data.get("node_id")))
            self._waiting.pop(key, None)
            self._add(key, out)
        else:
            self.put(out)

    def _add(self, key: tuple[str, str] | int, message: Outgoing) -> None:
        if len(self._waiting) >= OUTBOX_MAX:
            raise Overflow
        self._waiting[key] = message
        self._wake.set()

    async def take(self) -> list[Outgoing]:
        """Everything that waits, once something does."""
        await self._wake.wait()
        self._wake.clear()
        found, self._waiting = list(self._waiting.values()), {}
        return found
