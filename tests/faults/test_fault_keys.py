"""Workers that lack a plugin, or have another key than the one that sealed: they leave the work to who can do it."""

from __future__ import annotations

import asyncio

import pytest
from headrace.infra.crypto import generate_key
from headrace.testing.http_server import http_server, json_reply

from tests.faults.conftest import KNOWN
from tests.faults.site import step, until

WATCHED_S = 3.0


async def alone(site, **env):
    """A worker in place of all others."""
    for worker in site.stack.workers:
        worker.kill()
    odd = site.stack.member("worker", 5, **env)
    odd.start()
    await until(lambda: odd.log.exists() and "worker ready" in odd.life, what="a worker that is ready")
    return odd


def back(site, odd) -> None:
    odd.end()
    for worker in site.stack.workers:
        worker.start()


@pytest.mark.slow
async def test_work_of_a_plugin_that_no_worker_has_waits_for_one_that_has(site):
    """F30."""
    odd = await alone(site, HEADRACE_LOAD_PLUGINS=KNOWN.replace("node-lab,", ""))
    try:
        execution = await site.start(await site.gated())
        await asyncio.sleep(WATCHED_S)
        assert (await site.execution(execution))["status"] == "queued"
        assert await site.attempts(execution) == []
    finally:
        back(site, odd)
    assert (await site.ended(execution))["status"] == "completed"
    assert await site.attempts(execution) == ["completed"] * 3
    site.one_effect(execution)


@pytest.mark.slow
async def test_a_worker_without_the_key_leaves_what_needs_it_to_one_that_has(site):
    """F31: the connection was sealed under a key that this worker does not have."""
    with http_server(lambda _: json_reply([{"id": 1}])) as service:
        await site.post("/connections", {"name": "Sealed", "connector": "rest", "config": {"base_url": service.url}})
        flow = await site.flow(step("read", "rest.read", {"connection": "Sealed", "stream": "rows"}))
        odd = await alone(site, HEADRACE_MASTER_KEYS=generate_key())
        try:
            execution = await site.start(flow)
            await asyncio.sleep(WATCHED_S)
            assert (await site.execution(execution))["status"] in {"queued", "running"}
            assert service.asked == []
        finally:
            back(site, odd)
        assert (await site.ended(execution))["status"] == "completed"
        assert service.asked
