"""An install without web, and flows that run on it through the command line as a user would."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from headrace.cli.children import die_with_parent
from headrace.cli.flow import command
from headrace.testing.services import as_role, fresh_database
from msgspec import Struct
from psycopg import sql

STACK = """
from headrace.cli.stack import Stack
with Stack(say=lambda text: None) as stack:
    stack.start(web=False, demo=False)
    print("ready", flush=True)
    stack.wait()
"""
ONCE = {"max": 0}


class Shown(Struct):
    """How a flow ended: its error, and its steps by id."""

    status: str
    error: dict[str, Any]
    nodes: dict[str, dict[str, Any]]

    @property
    def sentence(self) -> str:
        """What the user reads."""
        return "; ".join(part for part in (self.error.get("message"), self.error.get("hint")) if part)


Run = Callable[..., Shown]


@contextmanager
def started(home: Path, before: tuple[str, ...] = (), **more: str) -> Iterator[subprocess.Popen[str]]:
    """A running install; its home has a folder `files`."""
    (home / "files").mkdir(parents=True, exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")}
    env |= {"HEADRACE_HOME": str(home), "HEADRACE_WORKER_PROCESSES": "1", "HEADRACE_EGRESS_ALLOW": "private", **more}
    command = [*before, sys.executable, "-c", STACK]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
    )  # fmt: skip
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n", "the install does not start"
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.close()
        process.wait(60)


@pytest.fixture(scope="package")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The install that most of these tests share."""
    home = tmp_path_factory.mktemp("install") / "home"
    with started(home):
        yield home


@pytest.fixture(scope="package")
def start_install() -> Callable[..., Any]:
    """Starts another install."""
    return started


@pytest.fixture
def files(install: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of this test that flows may read and write: the connection `Files`."""
    folder = install / "files" / str(abs(hash(request.node.nodeid)))
    folder.mkdir()
    return folder


@pytest.fixture
def warehouse() -> Iterator[str]:
    """An empty PostgreSQL database of an ordinary role."""
    with fresh_database(migrated=False) as url:
        yield as_role(url, "demo")


_number = itertools.count()


@pytest.fixture
def run_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path, str], Run]:
    """Runs flows of steps on an install: `headrace flow run FILE --json`. `root` is the folder of `Files`."""

    def on(home: Path, root: str) -> Run:
        monkeypatch.setenv("HEADRACE_HOME", str(home))
        return partial(run_flow, root, tmp_path / "flow.yaml")

    return on


@pytest.fixture
def run(run_on: Callable[[Path, str], Run], install: Path, files: Path) -> Run:
    """Runs flows on the shared install."""
    return run_on(install, files.name)


def run_flow(root: str, file: Path, *nodes: dict[str, Any], **connections: Any) -> Shown:
    here = {"Files": {"connector": "local_files", "config": {"root": root}}, **connections}
    unique = {name: f"{name} {os.getpid()} {next(_number)}" for name in here}
    for node in nodes:
        node.setdefault("retry", ONCE)
        if "connection" in node.get("config", {}):
            node["config"]["connection"] = unique.get(node["config"]["connection"], node["config"]["connection"])
    used = {node.get("config", {}).get("connection") for node in nodes}
    flow = {"headrace": 1, "name": "Bad input", "nodes": list(nodes),
            "connections": {unique[name]: spec for name, spec in here.items() if unique[name] in used}}  # fmt: skip
    file.write_text(json.dumps(flow))
    done = CliRunner().invoke(command, ["run", str(file), "--json", "--observe"])
    assert done.output, done.exception
    shown = json.loads(done.stdout)
    assert done.exit_code == (0 if shown["status"] == "completed" else 1)
    return Shown(shown["status"], shown["error"] or {}, {node["node_id"]: node for node in shown["nodes"]})


@pytest.fixture(scope="package")
def to_postgres() -> Callable[..., dict[str, Any]]:
    """Makes connections to a database, as a flow file says them."""

    def connection(url: str, **changes: Any) -> dict[str, Any]:
        parts = urlsplit(url)
        config = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
                  "password": parts.password}  # fmt: skip
        return {"connector": "postgresql", "config": {**config, **changes}}

    return connection


class Steps:
    """Steps of flow files: read -> do -> write."""

    def read(self, stream: str, connection: str = "Files", kind: str = "local_files", **config: Any) -> dict[str, Any]:
        return {"id": "rows", "type": f"{kind}.read", "label": "The rows",
                "config": {"connection": connection, "stream": stream, **config}}  # fmt: skip

    def do(self, kind: str, source: str = "rows", **config: Any) -> dict[str, Any]:
        return {
            "id": "do",
            "type": f"transform.{kind}",
            "label": "The work",
            "inputs": {"in": source},
            "config": config,
        }

    def write(
        self, stream: str = "target", connection: str = "Db", kind: str = "postgresql", source: str = "rows",
        name: str = "target", **config: Any,
    ) -> dict[str, Any]:  # fmt: skip
        return {"id": name, "type": f"{kind}.write", "label": "The target", "inputs": {"in": source},
                "config": {"connection": connection, "stream": stream, **config}}  # fmt: skip


@pytest.fixture(scope="package")
def steps() -> Steps:
    """What flows are made of."""
    return Steps()


@pytest.fixture
def tables(warehouse: str) -> Callable[[], dict[str, int]]:
    """Rows by table of the warehouse; the ledger of effects counts too."""

    def count() -> dict[str, int]:
        with psycopg.connect(warehouse) as db:
            names = [row[0] for row in db.execute("select relname from pg_class where relkind = 'r' and relnamespace ="
                                                  " 'public'::regnamespace")]  # fmt: skip
            counted = {
                n: db.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(n))).fetchone() for n in names
            }
            return {name: row[0] for name, row in counted.items() if row and row[0]}

    return count
