"""T-RATE-6: who asks ten times as often as they may slows nobody else down; it costs them their own answers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from headrace.infra.processes import free_port
from headrace.infra.settings import Settings

API = "/api/v1"
OPERATIONS = ("flows", "workspaces", "connections", "jobs")
PER_S, GREED = 5, 10
"""What a minute's rate of 300 gives back each second, and how many times as often the greedy one asks."""
WINDOWS, WINDOW_S = 40, 1.0
"""Alone and beside it by turns, so that whatever else the machine does is in both."""
SLOWER_MAX = 1.2
GREEDY = """
import asyncio, collections, httpx, json, signal, sys, time
url, token, per_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
answered = collections.Counter()
async def main():
    end, open_ = asyncio.Event(), set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    async with httpx.AsyncClient(headers={"Authorization": token}, timeout=30) as client:
        async def ask():
            answered[(await client.get(url)).status_code] += 1
        for _ in range(300):
            await ask()
        print("ready", flush=True)
        due = time.monotonic()
        while not end.is_set():
            now = time.monotonic()
            due = max(due, now - 0.1) + 1 / per_s
            open_.add(task := asyncio.create_task(ask()))
            task.add_done_callback(open_.discard)
            await asyncio.sleep(max(0, due - now))
        await asyncio.gather(*open_, return_exceptions=True)
    print(json.dumps(answered), flush=True)
asyncio.run(main())
"""


@pytest.fixture
def served(headrace_settings: Settings, tmp_path) -> Iterator[str]:
    """The API as a process; its address."""
    settings, port = headrace_settings, free_port(0)
    settings.home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HEADRACE_HOME": str(settings.home), "HEADRACE_PORT": str(port),
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_REDIS_URL": settings.redis_url.reveal(),
        "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
        "HEADRACE_RATE_LIMITS": f"route={60 * PER_S}/m,user=1000000/h",
    }  # fmt: skip
    with (tmp_path / "api.log").open("wb") as log:
        api = subprocess.Popen([sys.executable, "-m", "headrace", "api"], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while api.poll() is None and time.monotonic() < deadline:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}{API}"
    finally:
        api.terminate()
        api.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_ten_times_the_rate_of_one_does_not_slow_another_down(
    served: str, sign_up, record_property: Callable[[str, float], None]
):
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("the machine is busy with other things, whose times would be measured")
    greedy, other = await sign_up(name="greedy"), await sign_up(name="other")
    command = [sys.executable, "-c", GREEDY, f"{served}/flows", greedy.headers["Authorization"], str(PER_S * GREED)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    took: dict[bool, list[float]] = {True: [], False: []}
    try:
        assert await asyncio.to_thread(child.stdout.readline) == b"ready\n", "what may come at once has come"
        async with httpx.AsyncClient(headers=other.headers, timeout=60) as client:
            for window in range(WINDOWS):
                beside = bool(window % 2)
                child.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
                await asyncio.sleep(0.1)
                took[beside] += await _asked(client, served)
    finally:
        child.send_signal(signal.SIGCONT)
        child.terminate()
        said, _ = child.communicate(timeout=30)
    alone, beside_it = (statistics.quantiles(took[which], n=20)[18] for which in (False, True))
    answered = json.loads(said)
    print(f"\np95 alone {alone * 1e3:.2f} ms, beside ten times the rate {beside_it * 1e3:.2f} ms,"
          f" {len(took[True])} calls each; the greedy one: {answered}")  # fmt: skip
    record_property("security: p95 beside somebody at ten times their rate, ratio", round(beside_it / alone, 3))
    assert answered["429"] > answered["200"] - 60 * PER_S, "the greedy one is refused"
    assert beside_it <= alone * SLOWER_MAX


async def _asked(client: httpx.AsyncClient, served: str) -> list[float]:
    """Times at what one may, evenly over all operations, for a window."""
    took, due = [], time.monotonic()
    for number in range(int(WINDOW_S * PER_S * len(OPERATIONS))):
        begun = time.perf_counter()
        answer = await client.get(f"{served}/{OPERATIONS[number % len(OPERATIONS)]}")
        took.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
        due += 1 / (PER_S * len(OPERATIONS))
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return took
