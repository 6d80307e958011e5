"""What this process hears of the installation, for the pages that are open here: switches, and what befell people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from headrace.infra.bus import Message
from headrace.infra.clock import now

EVERYBODY = UUID(int=0)
CHANNEL = "system"
PEOPLE = "headrace_people"
_BACKLOG = 100


class Hub:
    """Hands a message to every listener of the process. Each process hears the database itself, so none is needed."""

    def __init__(self) -> None:
        self._queues: dict[UUID, set[asyncio.Queue[Message]]] = {}

    def tell(self, what: str) -> None:
        """Something was switched: `entitlements`, or a plugin; empty is that something may have been missed."""
        message = Message(channel=CHANNEL, type="system", data={"switched": what}, timestamp=now())
        self._put(EVERYBODY, message)

    def tell_person(self, _channel: str, said: str) -> None:
        """A membership, a sign-in or an invitation of somebody; empty is that something may have been missed."""
        if not said:
            for user_id in set(self._queues) - {EVERYBODY}:
                self._put(user_id, _notification(user_id, {"about": ""}))
            return
        data: dict[str, Any] = msgspec.json.decode(said)
        user_id = UUID(data.pop("user_id"))
        self._put(user_id, _notification(user_id, data))

    @contextmanager
    def subscribe(self, user_id: UUID = EVERYBODY) -> Iterator[asyncio.Queue[Message]]:
        """A queue of what is told from now on, to everybody or to one."""
        queue: asyncio.Queue[Message] = asyncio.Queue(_BACKLOG)
        self._queues.setdefault(user_id, set()).add(queue)
        try:
            yield queue
        finally:
            self._queues[user_id].discard(queue)
            if not self._queues[user_id]:
                del self._queues[user_id]

    def _put(self, whom: UUID, message: Message) -> None:
        for queue in self._queues.get(whom, ()):
            with contextlib.suppress(asyncio.QueueFull):  # what waits there already says so
                queue.put_nowait(message)


def _notification(user_id: UUID, data: dict[str, Any]) -> Message:
    return Message(channel=f"user:{user_id}", type="notification", data=data, timestamp=now())
