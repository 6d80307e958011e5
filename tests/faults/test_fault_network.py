"""The network between a step and its target: silence, resets, a trickle. The step ends in time, cancels get through."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import psycopg
import pytest
from headrace.testing.http_server import http_server, json_reply

from tests.faults.link import Link
from tests.faults.site import step, until

MODES = ["blackhole", "reset", "trickle", "half"]


@pytest.fixture
def service():
    """A service with one page of records."""
    with http_server(lambda _: json_reply([{"id": n} for n in range(100)])) as running:
        yield running


async def connected(site, connector: str, **config) -> str:
    """A connection's id."""
    body = {"name": f"C{time.monotonic_ns()}", "connector": connector, "config": config}
    return str((await site.post("/connections", body))["name"])


def reading(connection: str, **data):
    return step("read", "rest.read", {"connection": connection, "stream": "rows"}, retry={"max": 0}, **data)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
async def test_a_target_that_stops_answering_ends_the_step_in_time(site, service, mode):
    """F19: its own timeout, not the patience of the network."""
    async with Link("127.0.0.1", urlsplit(service.url).port, mode) as link:
        name = await connected(site, "rest", base_url=f"http://127.0.0.1:{link.port}", timeout_s=2)
        execution = await site.start(await site.flow(reading(name, timeout=8)))
        ended = await site.ended(execution)
        assert (ended["status"], ended["error"]["node_id"]) == ("failed", "read")
        assert ended["error"]["code"] in {"UNAVAILABLE", "TIMED_OUT"}, ended["error"]
        assert link.opened
        link.mode = "pass"
        again = await site.start(await site.flow(reading(name)))
        assert (await site.ended(again))["status"] == "completed"


@pytest.mark.slow
async def test_a_slow_network_is_slow_and_nothing_else(site, service):
    """F19: 300 ms a piece."""
    async with Link("127.0.0.1", urlsplit(service.url).port, "slow") as link:
        name = await connected(site, "rest", base_url=f"http://127.0.0.1:{link.port}")
        assert (await site.ended(await site.start(await site.flow(reading(name)))))["status"] == "completed"


async def test_a_cancel_gets_through_while_the_target_is_silent(site, service, record_property):
    """F19: acknowledged at once, ended within the grace."""
    took = []
    async with Link("127.0.0.1", urlsplit(service.url).port, "blackhole") as link:
        name = await connected(site, "rest", base_url=f"http://127.0.0.1:{link.port}", timeout_s=600)
        flow = await site.flow(reading(name))
        for number in range(3):
            execution = await site.start(flow)
            await until(lambda wanted=number + 1: link.opened >= wanted)
            answer = await site.client.post(f"/api/v1/executions/{execution}/cancel")
            assert answer.status_code == 202
            began = time.monotonic()
            assert (await site.ended(execution))["status"] == "cancelled"
            took.append(time.monotonic() - began)
    record_property("figure", ("cancel_silent_target", "Cancel of a step whose target is silent", "s", took))


async def test_a_database_behind_a_cut_link_is_tried_again(site):
    """F19, F20: the link is reset in the middle of a write; with a retry all rows are there, once."""
    warehouse = urlsplit(site.stack.urls.warehouse_url.reveal())
    async with Link("127.0.0.1", warehouse.port) as link:
        name = await connected(
            site, "postgresql", host="127.0.0.1", port=link.port, database=warehouse.path[1:],
            user=warehouse.username, password=warehouse.password,
        )  # fmt: skip
        write = step("target", "postgresql.write", {"connection": name, "stream": "cut_link", "mode": "append"},
                     retry={"max": 5, "delay_s": 0})  # fmt: skip
        flow = await site.flow(
            step("rows", "lab.rows", {"count": 200_000}),
            step("gate", "lab.gate", {"began": site.path("gate")}), write,
        )  # fmt: skip
        execution = await site.start(flow)
        await until(lambda: link.opened)
        link.cut()
        assert (await site.ended(execution))["status"] == "completed"
    with psycopg.connect(warehouse.geturl()) as db:
        assert db.execute("select count(*), count(distinct id) from cut_link").fetchone() == (200_000, 200_000)
