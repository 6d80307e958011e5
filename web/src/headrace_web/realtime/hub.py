"""What this process hears of the installation, for the pages that are open here: switches of editions and plugins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from headrace.infra.bus import Message
from headrace.infra.clock import now

EVERYBODY = UUID(int=0)
CHANNEL = "system"
_BACKLOG = 100


class Hub:
    """Hands a message to every listener of the process. Each process hears the database itself, so none is needed."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Message]] = set()

    def tell(self, what: str) -> None:
        """Something was switched: `entitlements`, or a plugin; empty is that something may have been missed."""
        message = Message(channel=CHANNEL, type="system", data={"switched": what}, timestamp=now())
        for queue in self._queues:
            with contextlib.suppress(asyncio.QueueFull):  # what waits there already says so
                queue.put_nowait(message)

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Message]]:
        """A queue of what is told from now on."""
        queue: asyncio.Queue[Message] = asyncio.Queue(_BACKLOG)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
