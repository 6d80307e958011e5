"""`examples/first_hour.py` against a server that really listens, on an install without an account."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from headrace.accounts.setup import new_setup_token
from headrace.cli.children import die_with_parent
from headrace.infra.database import Database
from headrace.infra.settings import Settings

SCRIPT = Path(__file__).parents[2] / "examples" / "first_hour.py"
READY_S = 60
STEPS = [
    "set-up", "organization", "invitation", "custom role", "grant", "check", "check", "API key", "feature", "edition",
    "limit", "upgrade",
]  # fmt: skip
Said = subprocess.CompletedProcess[str]


@pytest.fixture
def url(headrace_settings: Settings) -> Iterator[str]:
    """`headrace api` with its usual rates; ended by its process id."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    settings = headrace_settings
    settings.home.mkdir(exist_ok=True)
    environment = {
        "HEADRACE_HOME": str(settings.home), "HEADRACE_PORT": port, "HEADRACE_REDIS_URL": settings.redis_url.reveal(),
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(),
        "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
    }  # fmt: skip
    with (settings.home / "api.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "headrace", "api"], env=environment, stdout=log, stderr=log,
                                  preexec_fn=die_with_parent)  # fmt: skip  # noqa: PLW1509
    try:
        deadline = time.monotonic() + READY_S
        while not _answers(address := f"http://127.0.0.1:{port}"):
            ended = server.poll() is not None or time.monotonic() > deadline
            assert not ended, (settings.home / "api.log").read_text()
            time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").is_success
    except httpx.TransportError:
        return False


def hour(*args: str) -> Said:
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *args], capture_output=True, text=True, check=False, timeout=60
    )


async def test_the_first_hour_goes_through_and_a_second_one_too(url: str, database: Database) -> None:
    async with database.transaction() as session:
        token = await new_setup_token(session)
    first = hour(url, "--setup-token", token, "--password", "correct horse battery staple 9")
    assert (first.returncode, first.stderr) == (0, ""), first.stdout + first.stderr
    lines = first.stdout.splitlines()
    assert [line[:13].strip() for line in lines] == STEPS
    told = dict(zip(STEPS, lines, strict=True))
    assert "LIMIT_REACHED: the plan allows 10 flows, 10 are used; delete some or upgrade the plan" in told["limit"]
    assert "11 of 100 flows" in told["upgrade"]
    assert "to make one: PERMISSION_DENIED: this API key does not include 'flow:create'" in told["API key"]
    assert "'Shared': yes, as grant " in lines[5]
    assert "'Private': no, as neither the role 'Reporter' nor a grant gives 'flow:read' on this flow" in lines[6]
    again = hour(url, "--email", "ada@example.org", "--password", "correct horse battery staple 9")
    assert (again.returncode, again.stderr) == (0, ""), again.stdout + again.stderr
    used = hour(url, "--setup-token", token)
    assert used.returncode == 1
    assert used.stderr.startswith("first hour: POST /setup should work, but answers 401: ")
    assert "the set-up link is not valid" in used.stderr


def test_a_step_that_fails_is_one_sentence() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        said = hour(f"http://127.0.0.1:{held.getsockname()[1]}", "--email", "a@example.org", "--password", "x")
    assert said.returncode == 1
    assert said.stderr.startswith("first hour: headrace does not answer at http://127.0.0.1:")
    assert len(said.stderr.splitlines()) == 1
