"""A lane of a worker: the queues it listens to for it, how many segments it has in work, and the doorbells for more.

Segments that compute are executed one in a runner, as many as there are runners; those that wait for others share one,
and there may be many more of them. What is short is claimed a little ahead, so that no runner waits for the database.

Fair between organizations: one may fill all slots while nobody else wants any, but beside them lies a reserve, which
only those may enter who have nothing in work here. So whoever comes next begins at once, however long the others take.
Whoever was here lately comes again soon: for them one of the slots is kept, and with it a part of the machine:
the others are had until a segment is settled, not only until it is worked off.
A doorbell waits for no slot: one that there is no room for is turned away, and work is looked for as room comes up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

from headrace.executions.leases import Doorbell

AHEAD_S = 0.03
"""How long what is claimed ahead may have to wait for its turn, by what segments took so far."""
AHEAD_MAX = 16
LATE_S = 0.5
"""What waits longer for its turn is given back: another worker may be free."""
SETTLING_MAX = 64
LATELY_S, SEEN_MAX = 10.0, 100
_WEIGHT = 0.2


class Lane:
    """Slots of one kind; of one event loop."""

    def __init__(self, queues: Sequence[str], slots: int, *, reserve: int = 0, ahead: bool = False) -> None:
        self.queues, self.slots, self.reserve = tuple(queues), slots, reserve
        self.held = 0
        """Segments that are claimed and not settled."""
        self._asked: Counter[UUID] = Counter()
        self._to_do: Counter[UUID] = Counter()
        self._ahead = ahead
        self._takes_s = 1.0
        self._seen: dict[UUID, float] = {}
        self._working: Counter[UUID] = Counter()
        self._waiting: list[tuple[UUID, asyncio.Future[None]]] = []
        self._bells: deque[tuple[Doorbell, asyncio.Future[bool]]] = deque()
        self._claiming: set[UUID] = set()
        self._rung = asyncio.Event()
        self._free = asyncio.Event()
        self._more = True
        self._stopped = False

    def room(self, organization_id: UUID) -> int:
        """How many more segments of an organization may be claimed."""
        taken = self._taken()
        if self._stopped:
            return 0
        if organization_id not in taken:
            return self._room(taken, reserve=self.reserve)
        return self._room(taken, kept=self._kept(taken))

    def _taken(self) -> Counter[UUID]:
        """What each organization has claimed and not worked off, and what it is about to claim."""
        return self._to_do + self._asked

    def _kept(self, working: Counter[UUID]) -> int:
        """Slots that the only organization at work leaves to those that were here lately."""
        if self.slots < 2 or len(working) != 1:
            return 0
        since = time.monotonic() - LATELY_S
        return int(any(at > since for each, at in self._seen.items() if each not in working))

    def _room(self, taken: Counter[UUID], *, reserve: int = 0, kept: int = 0) -> int:
        ahead = min(AHEAD_MAX, int(AHEAD_S / self._takes_s) * self.slots) if self._ahead and not kept else 0
        room = self.slots - kept + ahead - (max(taken.total(), self.held) if kept else taken.total())
        if room <= 0 and reserve:  # what one has claimed ahead takes nothing of the reserve
            others = taken.total() - max(taken.values(), default=0)
            room = max(min(reserve, room + reserve), reserve - others)
        return max(0, min(room, self.slots + SETTLING_MAX - self.held))

    async def ring(self, bell: Doorbell) -> bool | None:
        """Wait until the segment is claimed or refused. Returns whether it was claimed; None when there is no room."""
        if self._stopped:
            return None
        if bell.queue not in {"", *self.queues}:
            return False
        if not self.room(bell.organization_id):
            self.look_again()
            return None
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[bell.organization_id] += 1
        self._bells.append((bell, answer))
        self._rung.set()
        try:
            return await answer
        finally:
            self._asked -= Counter((bell.organization_id,))
            self._free.set()

    async def rung(self) -> list[tuple[Doorbell, asyncio.Future[bool]]]:
        """Doorbells of one organization that are not being claimed; waits until there are some.

        Whoever takes them says `answer` afterwards: meanwhile those of others are claimed, and the organization's
        next ones wait for each other.
        """
        while (organization_id := self._next()) is None:
            self._rung.clear()
            await self._rung.wait()
        self._claiming.add(organization_id)
        taken = [one for one in self._bells if one[0].organization_id == organization_id]
        self._bells = deque(one for one in self._bells if one[0].organization_id != organization_id)
        return taken

    def _next(self) -> UUID | None:
        organizations = (bell.organization_id for bell, _ in self._bells)
        return next((one for one in organizations if one not in self._claiming), None)

    def answer(
        self, rung: Sequence[tuple[Doorbell, asyncio.Future[bool]]], claimed: Collection[tuple[UUID, int]]
    ) -> None:
        """Doorbells that were taken have led to these segments; the organization's next ones may be taken."""
        self._claiming.discard(rung[0][0].organization_id)
        self._rung.set()
        for bell, answer in rung:
            if not answer.done():
                answer.set_result((bell.execution_id, bell.segment_no) in claimed)

    def enter(self, organization_id: UUID) -> None:
        """A segment was claimed."""
        self.held += 1
        self._to_do[organization_id] += 1
        self._seen.pop(organization_id, None)
        self._seen[organization_id] = time.monotonic()
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    def look_again(self) -> None:
        """There is work that has no doorbell any more."""
        self._more = True
        self._free.set()

    async def hungry(self, seconds: float) -> int:
        """Wait until there is room and work without a doorbell, or for so long. Returns how much to look for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._more or not self._free_for_any():
                    self._free.clear()
                    await self._free.wait()
        self._more = False
        return self._room(self._taken(), reserve=self.reserve)

    def _free_for_any(self) -> int:
        taken = self._taken()
        return self._room(taken, kept=self._kept(taken))

    @contextlib.asynccontextmanager
    async def turn(self, organization_id: UUID, stop: asyncio.Event) -> AsyncIterator[bool]:
        """Wait for a runner's worth of room; False when that takes too long, or `stop` is set before."""
        if not await self._enter_turn(organization_id, stop):
            yield False
            return
        started = time.monotonic()
        try:
            yield True
        finally:
            self._takes_s += _WEIGHT * (max(0.001, time.monotonic() - started) - self._takes_s)
            self._leave_turn(organization_id)

    def _may_work(self, organization_id: UUID) -> bool:
        if not self._working[organization_id]:
            return self._working.total() < self.slots + self.reserve
        return self._working.total() < self.slots - self._kept(self._working)

    async def _enter_turn(self, organization_id: UUID, stop: asyncio.Event) -> bool:
        if self._may_work(organization_id):
            self._working[organization_id] += 1
            return True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stopped = asyncio.create_task(stop.wait())
        self._waiting.append((organization_id, turn))
        try:
            await asyncio.wait((turn, stopped), timeout=LATE_S, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            if turn.done():
                self._leave_turn(organization_id)
            raise
        finally:
            stopped.cancel()
            if not turn.done():
                self._waiting.remove((organization_id, turn))
        return turn.done()

    def _leave_turn(self, organization_id: UUID) -> None:
        """The next turn is had by whoever has fewest, the first of these."""
        self._working -= Counter((organization_id,))
        for place in sorted(self._waiting, key=lambda one: self._working[one[0]]):
            if self._may_work(place[0]):
                self._waiting.remove(place)
                self._working[place[0]] += 1
                place[1].set_result(None)
                return

    def worked(self, organization_id: UUID) -> None:
        """A segment needs no runner any more."""
        self._to_do -= Counter((organization_id,))
        self._free.set()

    def leave(self) -> None:
        """A segment is settled."""
        self.held -= 1
        self._free.set()

    def stop(self) -> None:
        """Claim no more; who waits with a doorbell is refused."""
        self._stopped = True
        while self._bells:
            _, answer = self._bells.popleft()
            if not answer.done():
                answer.set_result(False)
