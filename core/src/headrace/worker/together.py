"""What many ask for at a time is done together: one transaction for all of it instead of one for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")
MOST = 16
"""So many at a time: whoever waits for the rows that one of them locks does not wait long."""
AT_ONCE = 2
"""Calls for one key that are under way at a time: one that waits for a lock keeps the others going."""


class Together(Generic[KeyT, ItemT, DoneT]):
    """Calls `work(key, items)`; what is asked while calls for the key are under way goes together in the next one.

    Nobody waits for others to come. When a call for several fails, each is done alone, so that one keeps no other from
    being done.

    Args:
        work: Does all or nothing; gives a result for each item, in their order.
        most: Items of one call.
    """

    def __init__(
        self, work: Callable[[KeyT, Sequence[ItemT]], Awaitable[Sequence[DoneT]]], *, most: int = MOST
    ) -> None:
        self._work, self._most = work, most
        self._waiting: dict[KeyT, deque[tuple[ItemT, asyncio.Future[DoneT]]]] = {}
        self._calls: dict[KeyT, set[asyncio.Task[None]]] = {}

    async def do(self, key: KeyT, item: ItemT) -> DoneT:
        """The result for one item.

        Raises:
            Exception: what `work` raised for this item alone.
        """
        answer: asyncio.Future[DoneT] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append((item, answer))
        calls = self._calls.setdefault(key, set())
        if len(calls) < AT_ONCE:
            calls.add(asyncio.create_task(self._serve(key)))
        return await answer

    async def _serve(self, key: KeyT) -> None:
        waiting = self._waiting[key]
        try:
            while waiting:
                asked = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
                await self._answer(key, [one for one in asked if not one[1].done()])
        finally:
            calls = self._calls[key]
            calls.discard(asyncio.current_task())
            if not calls and not waiting:
                del self._calls[key], self._waiting[key]

    async def _answer(self, key: KeyT, asked: Sequence[tuple[ItemT, asyncio.Future[DoneT]]]) -> None:
        if not asked:
            return
        try:
            done = await self._work(key, [item for item, _ in asked])
        except Exception as error:
            if len(asked) > 1:
                for one in asked:
                    await self._answer(key, [one])
            elif not asked[0][1].done():
                asked[0][1].set_exception(error)
        else:
            for (_, answer), result in zip(asked, done, strict=True):
                if not answer.done():
                    answer.set_result(result)
