"""Runner processes: started ahead, bound to one organization, replaced when they have served, grown or died.

One executes as many segments at a time as are given to it: one that computes, or many that wait for others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from headrace.sdk.errors import TransientError
from headrace.worker.runner_process import Runner

CALM_S = 60.0
"""After which runners that let others go first are replaced, if only one organization has been at work."""
SHARED_MAX = 4
"""Runners that are shared at a time; each may take as much memory as any other."""


class RunnerPool:
    """Runners at work, each for one organization, and idle ones that wait for its next segment.

    A segment has a runner for itself, or a place in the one that its organization's segments share. Who takes one for
    itself bounds how many do; runners that are shared, or stand in for one, are `SHARED_MAX` at most.

    With a reserve, one more runner is kept that has served nobody: whoever comes next does not wait until a process has
    started. Once several organizations are at work, the further runners of each let others go first for the CPU, until
    they are replaced.
    """

    def __init__(self, size: int, scratch: Path, *, reserve: int = 0) -> None:
        self.size = size + reserve
        self._threads = max(1, (os.cpu_count() or 1) // size)
        self._spare = int(reserve > 0)
        self._scratch = scratch
        self._idle: list[Runner] = []
        self._busy: list[Runner] = []
        self._contended_at = 0.0
        self._shared: dict[UUID, Runner] = {}
        self._opening: dict[UUID, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(SHARED_MAX)
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    def warm_up(self) -> None:
        """Start a runner in the background for whoever comes next, if none is left, and if there is room for one."""
        fresh = self._starting or any(runner.organization_id is None for runner in self._idle)
        if self._closed or fresh or (self._full() and not self._spare):
            return
        task = asyncio.create_task(self._add_idle())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    def _full(self) -> bool:
        return len(self._idle) + len(self._busy) >= self.size + len(self._shared) + self._spare

    async def _add_idle(self) -> None:
        while self._idle and self._full():
            await self._idle.pop(0).end()
        with contextlib.suppress(TransientError):
            runner = await self._start()
            self._idle.append(runner)

    async def _start(self) -> Runner:
        return await Runner.start(threads=self._threads, scratch=self._scratch)

    @asynccontextmanager
    async def alone(self, organization_id: UUID) -> AsyncIterator[Runner]:
        """A runner that has served no other organization, and serves nothing else meanwhile.

        Raises:
            TransientError: none could be started.
        """
        runner = await self._take(organization_id)
        try:
            yield runner
        finally:
            await self._give_back(runner)

    @asynccontextmanager
    async def alone_for_once(self, organization_id: UUID) -> AsyncIterator[Runner]:
        """The same for a segment whose like share a runner.

        Raises:
            TransientError: none could be started.
        """
        async with self._room, self.alone(organization_id) as runner:
            yield runner

    @asynccontextmanager
    async def shared(self, organization_id: UUID) -> AsyncIterator[Runner]:
        """A place in the runner that the organization's segments share.

        Raises:
            TransientError: none could be started.
        """
        while (runner := self._shared.get(organization_id)) is None or not runner.fit:
            await self._open(organization_id)
        runner.seats += 1
        try:
            yield runner
        finally:
            runner.seats -= 1
            if runner.worn():
                runner.retired = True
            if not runner.seats:
                if self._shared.get(organization_id) is runner:
                    del self._shared[organization_id]
                try:
                    await self._give_back(runner)
                finally:
                    self._room.release()

    async def _open(self, organization_id: UUID) -> None:
        """Open a shared runner; whoever asks meanwhile waits for the same one."""
        opening = self._opening.get(organization_id)
        if opening is None:
            opening = self._opening[organization_id] = asyncio.create_task(self._share(organization_id))
            opening.add_done_callback(lambda _: self._opening.pop(organization_id))
        await asyncio.shield(opening)

    async def _share(self, organization_id: UUID) -> None:
        if self._room.locked() and self._shared:  # whoever has had most gets no more, so that its place becomes free
            longest = max(self._shared, key=lambda each: self._shared[each].served)
            self._shared.pop(longest).retired = True
        await self._room.acquire()
        try:
            self._shared[organization_id] = await self._take(organization_id)
        except BaseException:
            self._room.release()
            raise

    async def _take(self, organization_id: UUID) -> Runner:
        runner = self._idle_for(organization_id)
        if runner is None and self._starting:
            await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
            runner = self._idle_for(organization_id)
        if runner is None:
            if self._idle and self._full():
                await self._idle.pop(0).end()
            runner = await self._start()
        runner.organization_id = organization_id
        self._busy.append(runner)
        self._share_cpu()
        if self._spare:
            self.warm_up()
        return runner

    def _share_cpu(self) -> None:
        """While several organizations are at work, all but the first runner of each lets others go first."""
        first: dict[UUID | None, Runner] = {}
        beyond = [runner for runner in self._busy if first.setdefault(runner.organization_id, runner) is not runner]
        if len(first) > 1:
            self._contended_at = time.monotonic()
            for runner in beyond:
                runner.yield_cpu()

    def _idle_for(self, organization_id: UUID) -> Runner | None:
        self._idle[:] = [runner for runner in self._idle if runner.fit]
        for wanted in (organization_id, None):
            for runner in sorted(self._idle, key=lambda each: each.yields):
                if runner.organization_id == wanted:
                    self._idle.remove(runner)
                    return runner
        return None

    async def _give_back(self, runner: Runner) -> None:
        """Keep a runner for the next segment; one that is worn, or has been ended, is replaced."""
        self._busy.remove(runner)
        if runner.yields and time.monotonic() - self._contended_at > CALM_S:
            runner.retired = True
        if runner.fit and not runner.worn() and not self._closed and not self._full():
            self._idle.append(runner)
            return
        await runner.end()
        self.warm_up()

    async def close(self) -> None:
        """End every runner."""
        self._closed = True
        tasks = [*self._starting, *self._opening.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for runner in [*self._idle, *self._busy]:
            await runner.end()
        self._idle.clear()
