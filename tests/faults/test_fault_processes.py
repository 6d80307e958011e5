"""Processes that die, hang, freeze, are replaced, or exist more than once."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time

import httpx
import pytest

from tests.chaos.stack import LEASE_S
from tests.faults.site import until


@pytest.mark.parametrize("death", ["segfault", "abort", "exit"])
async def test_a_runner_that_dies_in_any_way_is_tried_again_and_its_worker_lives(site, death, record_property):
    """F2."""
    before = [worker.pid for worker in site.stack.workers]
    flow = await site.gated(gate={"die_times": 1, "die_of": death})
    execution = await site.start(flow)
    assert (await site.ended(execution))["status"] == "completed"
    assert (await site.attempts(execution)).count("crashed") == 1
    query = "select started_at, finished_at from segment_attempts where execution_id = :id order by fence"
    tries = await site.rows(query, id=execution)
    again = [(b.started_at - a.finished_at).total_seconds() for a, b in itertools.pairwise(tries)]
    record_property("figure", ("runner_again", "After a runner died, until the next attempt", "s", [max(again)]))
    site.one_effect(execution)
    assert [worker.pid for worker in site.stack.workers] == before


async def test_a_step_that_takes_all_memory_fails_with_a_sentence(site):
    """F33: the limit of the process stands for that of a machine; neighbours and the next step are fine."""
    neighbour = await site.start(await site.gated(gate={"wait_for": site.path("open")}))
    await until(lambda: site.lines("gate"))
    greedy = {"die_times": 9, "die_of": "memory", "began": site.path("greedy")}
    execution = await site.ended(await site.start(await site.gated(gate=greedy)))
    assert (execution["status"], execution["error"]["code"]) == ("failed", "OUT_OF_MEMORY"), execution
    assert "memory" in execution["error_message"]
    site.open()
    assert (await site.ended(neighbour))["status"] == "completed"
    assert await site.attempts(neighbour) == ["completed"] * 3


async def test_a_step_that_holds_the_interpreter_keeps_its_lease_and_ends_at_its_timeout(site, record_property):
    """F4: heartbeats are not of the process that executes steps."""
    patient = await site.start(await site.gated(gate={"grip_s": int(2 * LEASE_S + 1)}))
    assert (await site.ended(patient))["status"] == "completed"
    assert await site.attempts(patient) == ["completed"] * 3
    late = await site.ended(await site.start(await site.gated(gate={"grip_s": 600}, timeout=1)))
    assert (late["status"], late["error"]["code"]) == ("failed", "TIMED_OUT")
    over = (late["completed_at"] - late["started_at"]).total_seconds() - 1
    assert over < 60, "it was not killed"
    record_property("figure", ("held_overshoot", "A held interpreter is killed after its timeout", "s", [over]))


async def test_three_schedulers_do_nothing_twice_and_none_delays_only(site):
    """F6: one is killed and nobody replaces it; then there are three."""
    flow = await site.gated()
    (scheduler,) = site.stack.schedulers
    scheduler.kill()
    alone = await site.start(flow)
    assert (await site.ended(alone))["status"] == "completed"
    copies = [site.stack.member("scheduler", number) for number in (1, 2)]
    try:
        for member in (scheduler, *copies):
            member.start()
        started = [await site.start(flow) for _ in range(10)]
        for execution in started:
            assert (await site.ended(execution))["status"] == "completed"
            assert await site.attempts(execution) == ["completed"] * 3
        assert len(site.lines("target")) == 3 * 11
    finally:
        for member in copies:
            member.end()


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_workers_replaced_under_load_interrupt_nothing(site, rounds, record_property):
    """F5: SIGTERM and a new one, again and again."""
    flow = await site.gated(gate={"takes_s": 0.3})
    started, took = [], []
    for number in range(rounds):
        started += [await site.start(flow) for _ in range(4)]
        worker = site.stack.workers[number % 2]
        await until(lambda member=worker: "worker ready" in member.life, what="a worker that is ready")
        old = worker.process
        worker.signal(signal.SIGTERM)
        began = time.monotonic()
        assert await asyncio.to_thread(old.wait, 30) == 0
        took.append(time.monotonic() - began)
        worker.start()
    for execution in started:
        assert (await site.ended(execution))["status"] == "completed"
        assert "crashed" not in await site.attempts(execution)
    assert len(site.lines("target")) == 3 * len(started)
    record_property("figure", ("worker_stops", "SIGTERM to the end of a worker under load", "s", took))


@pytest.mark.slow
async def test_an_api_killed_in_a_burst_of_webhooks_loses_and_doubles_nothing(site, record_property):
    """F27: callers ask again with the same delivery id until they are answered."""
    flow = await site.gated(gate={"takes_s": 0})
    hook = await site.post("/webhooks", {"flow_id": flow, "authentication": "none"})
    place = httpx.URL(hook["url"]).path
    (api,) = site.stack.apis
    answers: dict[str, str] = {}

    async def call(number: int) -> None:
        while True:
            try:
                answer = await site.client.post(place, json={"n": number}, headers={"webhook-id": f"d-{number}"})
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code in {202, 503}, answer.text
            if answer.status_code == 202:
                answers[f"d-{number}"] = answer.json()["data"]["execution_id"]
                return

    calls = [asyncio.create_task(call(number)) for number in range(100)]
    for _ in range(3):
        await asyncio.sleep(0.15)
        api.kill()
        api.start()
        await until(site.ready, what="an API that is there again")
    await asyncio.gather(*calls)
    assert len(set(answers.values())) == 100
    rows = await site.rows("select id from executions where flow_id = :flow", flow=flow)
    assert {str(row.id) for row in rows} == set(answers.values())
    missing = [100 - len(set(answers.values())), len(rows) - 100]
    record_property(
        "figure", ("webhooks_lost_doubled", "Webhooks lost or doubled by three kills, of 100", "calls", missing)
    )


@pytest.mark.parametrize("races", [15, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_cancelling_at_any_moment_ends_once(site, races, record_property):
    """F24: from before the first claim until after the end."""
    flow = await site.gated(gate={"takes_s": 0.05})
    started = []
    statuses, took = [], []
    for number in range(races):
        execution = await site.start(flow)
        started.append(execution)
        await asyncio.sleep((number % 15) * 0.04)
        answer = await site.client.post(f"/api/v1/executions/{execution}/cancel")
        assert answer.status_code in {202, 409}, answer.text
        began = time.monotonic()
        statuses.append((await site.ended(execution))["status"])
        took += [time.monotonic() - began] if statuses[-1] == "cancelled" else []
    assert set(statuses) <= {"cancelled", "completed"}
    assert took, "none was cancelled"
    if races > 15:
        record_property("figure", ("cancel_races", "Cancel acknowledged to ended, at any moment", "s", took))
    for execution in started:
        query = (
            "select count(*) as n from execution_events where execution_id = :id and type = 'execution_update' "
            "and data ->> 'status' in ('completed', 'cancelled', 'failed', 'timed_out')"
        )
        assert (await site.rows(query, id=execution))[0].n == 1


async def test_a_poisonous_flow_dies_and_the_others_go_on(site):
    """F25: four crashes are its budget.

    On a busy machine a try may be given back before it began, out of no budget, or its worker may be late with a
    heartbeat, which counts as a crash.
    """
    poison = [await site.start(await site.gated(gate={"die_times": 99, "began": site.path(f"p{n}")})) for n in range(2)]
    good = [await site.start(await site.gated()) for _ in range(5)]
    for execution in good:
        assert (await site.ended(execution))["status"] == "completed"
    for execution in poison:
        ended = await site.ended(execution)
        assert (ended["status"], ended["error"]["code"]) == ("failed", "WORKER_CRASHED")
        first, *tries = [one for one in await site.attempts(execution) if one != "released"]
        assert first == "completed"
        assert len(tries) == 4, tries
        assert set(tries) <= {"crashed", "lease_expired"}, tries


@pytest.mark.slow
async def test_clients_that_hang_up_leave_no_answer_to_others(site, record_property):
    """F34: requests cancelled on pooled connections; afterwards everybody gets what they asked for."""
    flows = [await site.gated() for _ in range(4)]

    async def hang_up(number: int) -> None:
        try:
            async with asyncio.timeout(0.001 * (number % 40)):
                await impatient.get(f"/api/v1/flows/{flows[number % 4]}")
        except (TimeoutError, httpx.TransportError):
            return

    like = {"base_url": site.client.base_url, "headers": site.client.headers}
    for wave in range(50):  # a client whose calls are cancelled may lose places of its own pool
        async with httpx.AsyncClient(**like) as impatient:
            await asyncio.gather(*(hang_up(number + wave) for number in range(60)))
    for _ in range(10):
        answers = await asyncio.gather(*(site.client.get(f"/api/v1/flows/{flow}") for flow in flows))
        assert [answer.json()["data"]["id"] for answer in answers] == flows
    record_property(
        "figure", ("hung_up", "Clients that hung up, none of whose answers went to another", "calls", [3_000])
    )
