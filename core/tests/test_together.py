"""What is asked together is done together, and one that fails keeps no other from being done."""

from __future__ import annotations

import asyncio

import pytest
from headrace.worker.together import AT_ONCE, MOST, Together


class Work:
    """Doubles numbers, call by call; fails where a number is negative."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.open = self.most_open = 0
        self.go = asyncio.Event()

    async def __call__(self, key: str, items: list[int]) -> list[int]:
        self.calls.append((key, list(items)))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await self.go.wait()
        self.open -= 1
        if min(items) < 0:
            raise ValueError(f"{min(items)} is negative")
        return [2 * item for item in items]


async def test_the_first_goes_at_once_and_who_comes_meanwhile_goes_together():
    work = Work()
    together = Together(work)
    asked = [asyncio.create_task(together.do("a", n)) for n in range(AT_ONCE + MOST + 3)]
    await asyncio.sleep(0.01)
    assert len(work.calls) == AT_ONCE, "more calls than that are under way, or one waits for others"
    first = sum(len(items) for _, items in work.calls)
    work.go.set()
    assert await asyncio.gather(*asked) == [2 * n for n in range(len(asked))]
    assert work.most_open == AT_ONCE
    assert max(len(items) for _, items in work.calls) <= MOST
    assert len(work.calls) < len(asked), f"nothing was done together; {first} went first"


async def test_keys_do_not_wait_for_each_other():
    work = Work()
    together = Together(work)
    tasks = [asyncio.create_task(together.do(key, 1)) for key in "abc" for _ in range(4)]
    await asyncio.sleep(0.01)
    assert {key for key, _ in work.calls} == set("abc")
    work.go.set()
    await asyncio.gather(*tasks)
    assert together._waiting == {} == together._calls, "keys stay for ever"


async def test_one_that_fails_keeps_no_other_from_being_done():
    work = Work()
    work.go.set()
    together = Together(work)
    asked = [asyncio.create_task(together.do("a", n)) for n in (1, -2, 3, -4, 5, 6)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [one if isinstance(one, int) else str(one) for one in found] == [
        2, "-2 is negative", 6, "-4 is negative", 10, 12,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="-7 is negative"):
        await together.do("a", -7)
    assert await together.do("a", 8) == 16


async def test_who_goes_away_keeps_nobody_waiting():
    work = Work()
    together = Together(work)
    asked = [asyncio.create_task(together.do("a", n)) for n in range(6)]
    await asyncio.sleep(0.01)
    asked[0].cancel()
    asked[4].cancel()
    work.go.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[1:4] == [2, 4, 6]
    assert found[5] == 10
