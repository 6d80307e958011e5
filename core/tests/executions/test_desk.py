"""Requests of one connection are counted over all workers, in Redis; without it each counts for itself, stricter."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace.engine.hosts import Line, OpenHost
from headrace.engine.messages import HostAsked, HostTold, Problem
from headrace.infra.bus import Bus
from headrace.plugins.records import ConnectionSpec
from headrace.sdk import AuthError, TransientError
from headrace.worker.desk import Desk

ORGANIZATION = UUID(int=7)
LINK = {"Shop": ConnectionSpec("rest", {}, "c-1"), "Other": ConnectionSpec("rest", {}, "c-2")}


def desk(bus: Any) -> Desk:
    none: Any = None
    return Desk(none, bus, none, none)


async def taken(of: Desk, name: str, budgets: tuple[tuple[int, int], ...], times: int) -> list[float]:
    asked = HostAsked(no=1, connection=name, budgets=budgets)
    return [(await of.answer(ORGANIZATION, LINK, asked)).wait_s for _ in range(times)]


async def test_two_workers_share_the_budget_of_a_connection(redis_url: str) -> None:
    buses = [Bus.from_url(redis_url) for _ in range(2)]
    one, two = (desk(bus) for bus in buses)
    budgets = ((3, 3_600), (100, 1))
    assert await taken(one, "Shop", budgets, 2) == [0, 0]
    waits = await taken(two, "Shop", budgets, 2)
    assert waits[0] == 0
    assert 600 < waits[1] <= 1_200, "the fourth of three waits until one comes back"
    assert await taken(two, "Other", budgets, 1) == [0], "another connection has its own"
    for bus in buses:
        await bus.close()


async def test_without_redis_a_worker_counts_for_itself() -> None:
    class Away:
        async def evaluate(self, *_: Any) -> Any:
            raise OSError("away")

    of = desk(Away())
    waits = await taken(of, "Shop", ((8, 3_600),), 3)
    assert waits[:2] == [0, 0]
    assert waits[2] > 0, "a quarter of the budget: it does not know of the others"


def test_a_connection_asks_over_the_line() -> None:
    answers = {True: HostTold(no=0, wait_s=1.5), False: HostTold(no=0, token="fresh")}
    asked: list[HostAsked] = []

    def send(question: HostAsked) -> None:
        asked.append(question)
        told = answers[bool(question.budgets)]
        line.told(HostTold(no=question.no, wait_s=told.wait_s, token=told.token, problem=told.problem))

    line = Line(send)
    host = OpenHost("Shop", "old", line)
    assert host.wait_s(((1, 1),)) == 1.5
    assert [host.token(), host.token("old"), host.token()] == ["old", "fresh", "fresh"]
    assert [(one.connection, one.refused) for one in asked] == [("Shop", ""), ("Shop", "old")]
    answers[False] = HostTold(no=0, problem=Problem(code="X", message="connect again"))
    with pytest.raises(AuthError, match="connect again"):
        host.token("fresh")
    answers[False] = HostTold(no=0, problem=Problem(code="X", message="away", retryable=True))
    with pytest.raises(TransientError, match="away"):
        host.token("fresh")
    with pytest.raises(AuthError, match="connect again"):
        OpenHost("Shop", "", None).token()
