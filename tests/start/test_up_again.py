"""`headrace up --demo` for real: after kill -9 it starts again at once, and its demo follows a moved port."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from headrace.cli.children import die_with_parent
from headrace.plugins.manager import load_plugins

AGAIN_S = 10
FIRST_S = 120


class Machine:
    """One install in one home; `up` gives what its note says once it serves."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")}
        self.env |= {"HEADRACE_HOME": str(home), "HEADRACE_PORT": "0"}
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    def up(self, within_s: float) -> dict[str, Any]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        command = [sys.executable, "-m", "headrace", "up", "--demo", "--port", port]
        started = time.monotonic()
        self.process = subprocess.Popen(
            command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
        )  # fmt: skip
        assert self.process.stdout
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl-C stops everything" in line:
                break
        took = time.monotonic() - started
        assert self.process.poll() is None, "".join(self.said)
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # the promise is for a machine with a free core
        assert took <= within_s * busy, "".join(self.said)
        return json.loads((self.home / "running.json").read_text())

    @property
    def postmaster(self) -> int:
        return int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def await_line(self, wanted: str) -> None:
        """Read on until it says so."""
        assert self.process
        assert self.process.stdout
        said = ""
        deadline = time.monotonic() + FIRST_S
        while wanted not in said:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"it did not say: {wanted}"
            said += os.read(self.process.stdout.fileno(), 4_096).decode()

    def end(self, sign: signal.Signals) -> int:
        """End it and everything that it started."""
        assert self.process
        pids = [int(pid) for pid in _children(self.process.pid)]
        handles = [os.pidfd_open(pid) for pid in pids]
        self.process.send_signal(sign)
        code = self.process.wait(40)
        assert self.process.stdout
        self.process.stdout.close()
        for handle in handles:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            assert poll.poll(20_000), "a process outlived `headrace up`"
            os.close(handle)
        self.process = None
        return code

    def flow(self, file: Path) -> dict[str, Any]:
        command = [sys.executable, "-m", "headrace", "flow", "run", str(file), "--json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=120)
        return json.loads(done.stdout or json.dumps({"status": done.stderr}))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "home")
    yield machine
    if machine.process is not None:
        machine.end(signal.SIGTERM)


@pytest.fixture
def small_flow(tmp_path: Path) -> Callable[[], Path]:
    """A flow that writes one table to the demo's warehouse, through the demo's connection."""
    template = next(t for t in load_plugins().registry.templates.values() if t.demo)
    warehouse = yaml.safe_load(template.text())["connections"]["Warehouse"]

    def write() -> Path:
        flow = {
            "headrace": 1, "name": "Small", "connections": {"Warehouse": warehouse},
            "nodes": [
                {"id": "ask", "type": "postgresql.query", "config": {"connection": "Warehouse", "sql": "select 1 as n"}}
            ],
        }  # fmt: skip
        file = tmp_path / "small.yaml"
        file.write_text(yaml.safe_dump(flow))
        return file

    return write


@pytest.mark.slow
def test_killed_and_started_again_at_once_with_a_moved_port(machine: Machine, small_flow: Callable[[], Path]) -> None:
    first = machine.up(FIRST_S)
    url = urlsplit(first["env"]["HEADRACE_WAREHOUSE_URL"])
    with psycopg.connect(url.geturl()) as connection:
        connection.execute("create table kept (n int)")
    machine.end(signal.SIGKILL)
    with socket.create_server(("127.0.0.1", url.port or 0)):
        second = machine.up(AGAIN_S)
        moved = urlsplit(second["env"]["HEADRACE_WAREHOUSE_URL"])
        assert moved.port != url.port
        with psycopg.connect(moved.geturl()) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
        shown = machine.flow(small_flow())
        assert shown["status"] == "completed", shown
        os.kill(machine.postmaster, signal.SIGKILL)
        machine.await_line("PostgreSQL had ended; it is started again")
        assert machine.flow(small_flow())["status"] == "completed"
        assert machine.end(signal.SIGTERM) == 0
    assert not (machine.home / "running.json").exists()
