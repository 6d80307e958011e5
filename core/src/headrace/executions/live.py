"""Executions as they happen: events to the bus, coalesced node states, and a gapless stream for those who watch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from headrace.executions import service
from headrace.executions.leases import Event
from headrace.executions.state import TERMINAL
from headrace.infra.bus import Bus, Message
from headrace.infra.clock import now
from headrace.infra.database import Database

COALESCE_S = 0.1
POLL_S = 1.0
QUIET_S = 10.0
"""When nothing is heard, the database is asked less and less often, down to this."""
ANSWERED = "answered"
"""Type of the message that an execution's answer to who started it can be read."""


def channel(execution_id: UUID) -> str:
    """Name of an execution's channel."""
    return f"execution:{execution_id}"


def message(execution_id: UUID, event: Event) -> Message:
    """An event as a live message."""
    return Message(
        channel=channel(execution_id), seq=event.seq, type=event.type, data=event.data, timestamp=event.created_at
    )


async def publish_answered(bus: Bus, organization_id: UUID, execution_id: UUID) -> None:
    """Tell those who wait for the execution's answer that it is there."""
    told = Message(channel=channel(execution_id), type=ANSWERED, data={}, timestamp=now())
    await bus.publish(organization_id, told)


async def publish(bus: Bus, organization_id: UUID, execution_id: UUID, events: Sequence[Event]) -> None:
    """Send committed events to those who watch the execution; its own states also to those who watch the flow."""
    messages = [message(execution_id, event) for event in events]
    for event in events:
        if event.type == "execution_update":
            name = f"flow:{event.data['flow_id']}"
            messages.append(Message(channel=name, type=event.type, data=event.data, timestamp=event.created_at))
    if messages:
        await bus.publish(organization_id, *messages)


class Feed:
    """Passing node states and log lines of one execution: each node at most once per 100 ms, its last state always."""

    def __init__(self, bus: Bus, organization_id: UUID, execution_id: UUID) -> None:
        self._bus = bus
        self._organization_id = organization_id
        self._execution_id = execution_id
        self._nodes: dict[str, dict[str, Any]] = {}
        self._logs: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None

    def node(self, node_id: str, data: dict[str, Any]) -> None:
        """Show a node's state."""
        self._nodes[node_id] = {**self._nodes.get(node_id, {}), **data}
        self._schedule()

    def log(self, line: dict[str, Any]) -> None:
        """Show a log line."""
        self._logs.append(line)
        self._schedule()

    def _schedule(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later())

    async def _later(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._nodes or self._logs:
            await asyncio.sleep(COALESCE_S - clock() % COALESCE_S)  # all at the same moments: the bus sends it together
            await self.flush()

    async def settled(self, events: Sequence[Event]) -> None:
        """Send the events of a settled segment; states of nodes whose outcome is among them are passed over."""
        for event in events:
            if event.type == "node_update":
                self._nodes.pop(event.data["node_id"], None)
        await self.flush()  # before them, so that nothing older comes after
        await publish(self._bus, self._organization_id, self._execution_id, events)

    async def flush(self) -> None:
        """Send what waits."""
        nodes, self._nodes = self._nodes, {}
        logs, self._logs = self._logs, []
        shown = [("node_update", data) for data in nodes.values()] + [("log", line) for line in logs]
        name, at = channel(self._execution_id), now()
        if shown:
            await self._bus.publish(
                self._organization_id,
                *(Message(channel=name, type=kind, data=data, timestamp=at) for kind, data in shown),
            )


async def follow(
    database: Database, bus: Bus, organization_id: UUID, execution_id: UUID, *, after: int = 0
) -> AsyncIterator[Message]:
    """Every event above `after` without gaps, and passing states between them; ends when the execution has ended.

    The bus gives speed, the database completeness: whenever a sequence is missing, or the bus is silent, it is asked.

    Raises:
        NotFound: the organization has no such execution.
    """
    async with bus.subscribe(organization_id, channel(execution_id)) as queue:
        missing, wait_s = True, POLL_S
        while True:
            if missing:
                found, over = await _missed(database, organization_id, execution_id, after)
                for event in found:
                    after = event.seq
                    yield message(execution_id, event)
                    over |= _ends(event.type, event.data)
                if over:
                    return
            missing = False
            try:
                async with asyncio.timeout(wait_s):
                    heard = await queue.get()
            except TimeoutError:
                missing, wait_s = True, min(2 * wait_s, QUIET_S)
                continue
            wait_s = POLL_S
            if heard is None or (heard.seq is not None and heard.seq > after + 1):
                missing = True
            elif heard.seq is None:
                yield heard
            elif heard.seq == after + 1:
                after = heard.seq
                yield heard
                if _ends(heard.type, heard.data):
                    return


def _ends(kind: str, data: dict[str, Any]) -> bool:
    return kind == "execution_update" and data.get("status") in TERMINAL


async def _missed(
    database: Database, organization_id: UUID, execution_id: UUID, after: int
) -> tuple[list[Event], bool]:
    """Events above `after`, and whether nothing can come after them: all was told, or history has let go of it."""
    found: list[Event] = []
    async with database.transaction(organization_id) as session:
        execution = await service.get(session, organization_id, execution_id)
        more = execution["last_seq"] > after
        while more:
            page = await service.events(session, organization_id, execution_id, after=found[-1].seq if found else after)
            found += page
            more = len(page) == 1_000
    told = execution["last_seq"] <= (found[-1].seq if found else after) or execution["compacted_at"] is not None
    return found, execution["status"] in TERMINAL and told


async def wait_until_terminal(
    database: Database, bus: Bus, organization_id: UUID, execution_id: UUID, *, timeout_s: float
) -> dict[str, Any]:
    """The execution once it has ended, or as it is after `timeout_s`.

    Raises:
        NotFound: the organization has no such execution.
    """
    deadline = time.monotonic() + timeout_s
    async with bus.subscribe(organization_id, channel(execution_id)) as queue:
        while True:
            async with database.transaction(organization_id) as session:
                execution = await service.get(session, organization_id, execution_id)
            left = deadline - time.monotonic()
            if execution["status"] in TERMINAL or left <= 0:
                return execution
            await until_end(queue, min(POLL_S, left))


async def until_end(queue: asyncio.Queue[Message | None], timeout_s: float, *, or_answer: bool = False) -> None:
    """Return when the execution may have ended, or, if that is wanted, may have answered who started it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while (heard := await queue.get()) is not None:
                if _ends(heard.type, heard.data) or (or_answer and heard.type == ANSWERED):
                    return
