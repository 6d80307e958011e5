"""Every combination of retries, on_error, timeout and failure, against what a person would write down by hand."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from headrace.flows.graph import Retry

RETRIES = (0, 2)
ON_ERROR = ("fail", "continue", "route")
TIMEOUT = ("none", "hit")
FAILURE = ("transient", "permanent", "crash", "rejects")
EVERY = tuple(product(RETRIES, ON_ERROR, TIMEOUT, FAILURE))

ATTEMPTS = {
    # what happens: executed without retries, with two
    "transient": (1, 3),
    "permanent": (1, 1),
    "crash": (4, 4),  # the budget of crashes is its own: three more, whatever the retries
    "rejects": (1, 1),
    "timeout": (1, 3),
}
OUTCOME = {
    # (what happens, on_error): execution, the step, the step after it, rows at its error port
    ("failure", "fail"): ("failed", "failed", "skipped", None),
    ("failure", "continue"): ("completed", "failed", "skipped", None),
    ("failure", "route"): ("completed", "failed", "skipped", 1),
    ("rejects", "fail"): ("failed", "failed", "skipped", None),
    ("rejects", "continue"): ("completed", "completed", "completed", None),
    ("rejects", "route"): ("completed", "completed", "completed", 2),
}
CONFIG = {
    "transient": {"fail_times": 99},
    "permanent": {"fail_times": 99, "transient": False},
    "crash": {"die_times": 99},
    "rejects": {"rejects": 2},
}
KILLS = [one for one in EVERY if one[2] == "hit" or one[3] == "crash"]
"""Those that take a runner's life at each attempt, and so take long."""
SOME_KILLS = [one for one in KILLS if one[0] == 0 and one[3] == ("transient" if one[2] == "hit" else "crash")]


def flow(world, retries, on_error, timeout, failure):
    name = "-".join(map(str, (retries, on_error, timeout, failure)))
    policy = {"retry": Retry(max=retries, delay_s=0.05), "on_error": on_error}
    config = {"began": world.path(name), **CONFIG[failure], "_": policy}
    if timeout == "hit":
        policy["timeout_s"] = 0.5
        config["takes_s"] = 60
    text = "r:lab.rows g:lab.gate o:transform.limit r>g g>o"
    text += " c:transform.limit g.error>c" if on_error == "route" else ""
    return name, world.flow(text, g=config, o={"rows": 99}, c={"rows": 99})


async def found(world, one) -> tuple:
    name, graph = flow(world, *one)
    execution_id = await world.start(graph)
    ended = await world.ended(execution_id, deadline_s=400)
    states, outputs = await world.states(execution_id), await world.outputs(execution_id)
    return len(world.lines(name)), (ended["status"], states["g"], states["o"], outputs.get("c.out"))


def expected(retries, on_error, timeout, failure) -> tuple:
    what = "timeout" if timeout == "hit" else failure
    kind = "rejects" if what == "rejects" else "failure"
    return ATTEMPTS[what][RETRIES.index(retries)], OUTCOME[kind, on_error]


@pytest.mark.parametrize(
    "combinations",
    [
        pytest.param([one for one in EVERY if one not in KILLS], id="without kills"),
        pytest.param(SOME_KILLS, id="one kill of each kind", marks=pytest.mark.slow),
        pytest.param([one for one in KILLS if one not in SOME_KILLS], id="all kills", marks=pytest.mark.slow),
    ],
)
async def test_what_follows_a_failure_is_what_the_table_says(world, processes, combinations):
    await processes.start("scheduler")
    await processes.start("worker")
    await processes.start("worker")
    came = dict(zip(combinations, await asyncio.gather(*(found(world, one) for one in combinations)), strict=True))
    assert came == {one: expected(*one) for one in combinations}
    assert len(EVERY) == len(RETRIES) * len(ON_ERROR) * len(TIMEOUT) * len(FAILURE) == 48
