"""Faults with real processes: what is killed, flushed, duplicated or stopped still ends once, with one effect."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from headrace.infra.queue import Bell, Ringer
from headrace.testing.services import needs


@pytest.fixture
def wait(world, wait_until):
    """Conditions on files of the world."""

    async def lines(name, count=1):
        return await wait_until(lambda: len(world.lines(name)) >= count and world.lines(name))

    return lines


def lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def one_effect(world, execution_id) -> None:
    assert sorted(world.lines("target")) == [f"{execution_id}:write {n}" for n in range(3)]


async def test_a_runner_killed_in_the_middle_is_tried_again_at_once(world, crew):
    execution_id = await world.start(world.graph(write={"die_times": 1}))
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)
    outcomes = await world.rows("select outcome from segment_attempts where execution_id = :e", e=execution_id)
    assert [row.outcome for row in outcomes].count("crashed") == 1
    assert len(world.lines("gate")) == 1, "completed segments are not repeated"


async def test_a_segment_that_kills_every_runner_is_dead_and_says_why(world, crew):
    execution_id = await world.start(world.graph(gate={"die_times": 99}))
    execution = await world.ended(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("failed", "WORKER_CRASHED")
    assert "died 4 times (signal 9" in execution["error_message"]
    assert len(world.lines("gate")) == 4
    nodes = await world.nodes(execution_id)
    assert (nodes["gate"]["status"], nodes["write"]["status"]) == ("failed", "skipped")


async def test_a_killed_worker_takes_its_runners_along_and_another_completes(world, processes, wait, wait_until):
    await processes.start("scheduler")
    first = await processes.start("worker")
    execution_id = await world.start(world.graph(write={"wait_for": world.path("open")}))
    (runner, *_) = await wait("write")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    await wait_until(lambda: not lives(runner))
    await processes.start("worker")
    await wait("write", 2)
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)
    assert len(world.lines("gate")) == 1
    attempts = await world.rows("select outcome from segment_attempts order by fence")
    assert [row.outcome for row in attempts if row.outcome != "completed"] == ["lease_expired"]


async def test_a_frozen_worker_loses_its_lease_and_its_late_result(world, processes, wait):
    await processes.start("scheduler")
    first = await processes.start("worker")
    execution_id = await world.start(world.graph(write={"wait_for": world.path("open")}))
    await wait("write")
    os.kill(first.pid, signal.SIGSTOP)
    await processes.start("worker")
    await wait("write", 2)
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"
    os.kill(first.pid, signal.SIGCONT)
    first.terminate()
    first.wait(20)
    one_effect(world, execution_id)
    rows = await world.rows("select outcome from segment_attempts order by fence")
    assert [row.outcome for row in rows].count("completed") == len(rows) - 1


async def test_work_goes_on_while_redis_is_away(world, processes):
    nowhere = "redis://127.0.0.1:1/0"
    await processes.start("scheduler", redis_url=nowhere)
    await processes.start("worker", redis_url=nowhere)
    execution_id = await world.start(world.graph())
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)


async def test_an_emptied_redis_loses_nothing(world, processes, redis_url, wait):
    await processes.start("scheduler")
    await processes.start("worker", poll_s=600)
    busy = await world.start(world.graph(gate={"wait_for": world.path("open")}))
    await wait("gate")
    waiting = await world.start(world.graph())
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    (world.folder / "open").touch()
    assert (await world.ended(busy))["status"] == "completed"
    assert (await world.ended(waiting))["status"] == "completed"


async def test_duplicate_and_forged_doorbells_do_nothing(world, processes, redis_url, wait):
    await processes.start("scheduler")
    await processes.start("worker")
    execution_id = await world.start(world.graph(write={"wait_for": world.path("open")}))
    await wait("write")
    ringer = Ringer(redis_url)
    (outside,) = await world.rows("select gen_random_uuid() as id")
    ringer.ring([Bell(world.organization_id, execution_id, no, queue) for no in range(5) for queue in ("io", "light")])
    ringer.ring([Bell(outside.id, execution_id, 0, "io"), Bell(world.organization_id, outside.id, 0, "heavy")])
    ringer.close()
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)
    rows = await world.rows("select segment_no, count(*) as attempts from segment_attempts group by 1")
    assert {row.attempts for row in rows} == {1}


@pytest.mark.parametrize("deaf", [False, True], ids=["cooperative", "killed"])
async def test_cancelling_stops_what_runs_and_starts_nothing_more(world, crew, wait, deaf):
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("never"), "deaf": deaf}))
    await wait("gate")
    assert (await world.cancel(execution_id))["status"] == "cancelling"
    assert (await world.ended(execution_id))["status"] == "cancelled"
    assert world.lines("write") == []
    statuses = {name: row["status"] for name, row in (await world.nodes(execution_id)).items()}
    assert (statuses["gate"], statuses["write"]) == ("cancelled", "cancelled")


async def test_a_stopping_worker_gives_its_segment_back(world, processes, wait):
    first = await processes.start("worker")
    execution_id = await world.start(world.graph(write={"wait_for": world.path("open")}))
    await wait("write")
    first.terminate()
    assert first.wait(20) == 0
    (row,) = await world.rows("select status, crash_count from segment_runs where status <> 'completed'")
    assert (row.status, row.crash_count) == ("retry_wait", 0)
    (world.folder / "open").touch()
    await processes.start("worker")
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)
    assert await world.rows("select 1 from workers where pid = :pid", pid=first.pid) == []


async def test_a_failed_node_is_retried_by_its_policy_and_no_further(world, crew, retry):
    heals = await world.start(world.graph(gate={"fail_times": 2}, retry=retry(max=2, delay_s=0.01)))
    assert (await world.ended(heals))["status"] == "completed"
    assert len(world.lines("gate")) == 3
    fails = await world.start(
        world.graph(gate={"fail_times": 99, "began": world.path("g2")}, retry=retry(max=1, delay_s=0.01))
    )
    execution = await world.ended(fails)
    assert (execution["status"], execution["error"]["node_id"]) == ("failed", "gate")
    assert len(world.lines("g2")) == 2
    wrong = await world.start(
        world.graph(
            gate={"fail_times": 9, "transient": False, "began": world.path("g3")}, retry=retry(max=5, delay_s=0.01)
        )
    )
    assert (await world.ended(wrong))["error_message"] == "'gate': row 2 is wrong"
    assert len(world.lines("g3")) == 1, "what does not pass by itself is not retried"


async def test_a_node_past_its_timeout_is_stopped(world, crew):
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("never"), "deaf": True}, timeout_s=0.5))
    execution = await world.ended(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("failed", "TIMED_OUT")


async def test_the_flows_limits_tell_and_then_stop_what_has_no_timeout(world, crew):
    await world.configure(soft_limit_s=0.8, hard_limit_s=2)
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("never"), "deaf": True}))
    execution = await world.ended(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("failed", "TIMED_OUT")
    assert "the flow's limit of 2 s" in execution["error_message"]
    query = "select node_id, message from execution_logs where execution_id = :id and level = 'warning'"
    assert ("gate", "still at work after 0.8 s") in [tuple(row) for row in await world.rows(query, id=execution_id)]
    (tries,) = await world.rows("select count(*) as n from segment_attempts where execution_id = :id and segment_no = "
                                "(select max(segment_no) from segment_attempts where execution_id = :id)",
                                id=execution_id)  # fmt: skip
    assert tries.n == 1, "what is stopped for good is not tried again"


async def test_a_flows_deadline_counts_for_all_of_an_execution(world, crew):
    await world.configure(deadline_s=1)
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("never")}))
    execution = await world.ended(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("timed_out", "TIMED_OUT")


async def test_an_execution_past_its_deadline_is_timed_out(world, crew):
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("never")}), deadline_s=0.5)
    execution = await world.ended(execution_id)
    assert (execution["status"], execution["error"]["code"]) == ("timed_out", "TIMED_OUT")


async def test_a_runner_sees_no_secret_of_its_worker(world, crew, wait):
    execution_id = await world.start(world.graph(write={"wait_for": world.path("open")}))
    (runner, *_) = await wait("write")
    environment = Path(f"/proc/{runner}/environ").read_text()
    secrets = (crew.settings.database_url, crew.settings.database_worker_url, crew.settings.master_keys[0])
    assert not [secret for secret in secrets if secret.reveal() in environment]
    assert "HEADRACE_DATABASE" not in environment
    limits = Path(f"/proc/{runner}/limits").read_text().splitlines()
    assert next(line.split()[4:6] for line in limits if line.startswith("Max core")) == ["0", "0"]
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"


async def test_a_database_that_drops_every_connection_costs_nothing(world, processes, wait, wait_until, database_urls):
    await processes.start("scheduler")
    await processes.start("worker")
    execution_id = await world.start(world.graph(gate={"wait_for": world.path("open")}))
    await wait("gate")
    name = urlsplit(database_urls.app_url).path.removeprefix("/")
    query = (
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and application_name ~ '^headrace-'"
    )
    with psycopg.connect(needs("postgres"), autocommit=True) as admin:
        assert len(admin.execute(query, [name]).fetchall()) >= 4
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"
    one_effect(world, execution_id)
    assert len(world.lines("gate")) == 1
    assert [child.poll() for child in processes.children] == [None, None]


@pytest.mark.slow
async def test_a_crowd_that_is_to_stop_has_stopped_soon_and_hurts_nobody(world, processes):
    """Nine that hear nothing share a runner; alone each would have a minute to stop."""
    await processes.start("scheduler")
    await processes.start("worker", cancel_grace_s=60)

    def call(name):
        return world.flow("c:lab.call", c={"began": world.path(name), "wait_for": world.path("never"), "deaf": True})

    ids = [await world.start(call("crowd")) for _ in range(9)]
    await world.until(lambda: len(world.lines("crowd")) == 9)
    assert len(set(world.lines("crowd"))) == 1, "they share a process"
    began = time.monotonic()
    for execution_id in ids:
        await world.cancel(execution_id)
    assert {(await world.ended(each))["status"] for each in ids} == {"cancelled"}
    assert time.monotonic() - began < 15
    after = await world.start(world.flow("c:lab.call", c={"began": world.path("after")}))
    assert (await world.ended(after))["status"] == "completed"
