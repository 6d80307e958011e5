"""Real services for tests: `needs("postgres")` gives an address, skips where there is none, and fails in CI."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from msgspec import Struct, json

from headrace.testing.server import TEMPLATE, Ready

if TYPE_CHECKING:
    from headrace.infra.settings import Settings

_START_S = 280
_MEMORY = 4 * 2**30
_LOOPBACK = {"mariadb": "mysql://root@127.0.0.1:3306/", "rabbitmq": "amqp://guest:guest@127.0.0.1:5672/"}


class Urls(Struct, frozen=True):
    """Addresses of one migrated database, by role."""

    owner_url: str
    app_url: str
    worker_url: str


def needs(service: str) -> str:
    """Address of a service: postgres, redis (both bundled), mariadb, rabbitmq or any of `HEADRACE_TEST_<NAME>_URL`.

    The test is skipped with a reason where there is none; it fails where CI promises it (`HEADRACE_CI_SERVICES`).
    """
    given = os.environ.get(f"HEADRACE_TEST_{service.upper()}_URL", "")
    if service == "postgres" and not given:
        return server().admin_url
    if service == "redis" and not given:
        return server().redis_url
    url = given or _LOOPBACK.get(service, "")
    if not url or not _listens(url):
        where = urlsplit(url).netloc.rpartition("@")[2] or "nowhere"
        reason = f"no {service} at {where}; set HEADRACE_TEST_{service.upper()}_URL"
        promised = os.environ.get("HEADRACE_CI_SERVICES", "").replace(" ", "").split(",")
        if os.environ.get("CI") == "true" and service in promised:
            pytest.fail(reason)
        pytest.skip(reason)
    return url


@cache
def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2):
            return True
    except OSError:
        return False


@cache
def server() -> Ready:
    """The session's own PostgreSQL and Valkey; the first caller of all pytest workers starts them."""
    run, session_pid = os.environ.get("PYTEST_XDIST_TESTRUNUID"), os.getppid()
    if run is None:
        run, session_pid = f"pid{os.getpid()}", os.getpid()
    folder = ground() / f"headrace-tests-{os.getuid()}-{run[:16]}"
    folder.mkdir(mode=0o711, exist_ok=True)
    with (folder / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready.json").exists():
            _launch(folder, session_pid)
        return json.decode((folder / "ready.json").read_bytes(), type=Ready)


def ground() -> Path:
    """Memory where it is large, else the disk.

    Each test has a database of a thousand files, and before ext4 makes one it looks at all that were deleted in the
    last seconds: half the time of the whole suite.
    """
    memory = Path("/dev/shm")  # noqa: S108 - only its place is shared: the folder in it is of this session
    large = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).total >= _MEMORY
    return memory if large else Path(tempfile.gettempdir())


def _launch(folder: Path, session_pid: int) -> None:
    with (folder / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "headrace.testing.server", str(folder), str(session_pid)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    deadline = time.monotonic() + _START_S
    while not (folder / "ready.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            text = (folder / "server.log").read_text() if (folder / "server.log").exists() else ""
            pytest.fail(f"the bundled services do not start: {text[-2000:]}")
        time.sleep(0.02)
    process.returncode = 0  # it outlives us on purpose; no warning about that


@contextmanager
def fresh_database(*, migrated: bool) -> Iterator[str]:
    """A database of its own for the block, as its administrator; dropped at the end."""
    import psycopg
    from psycopg import sql

    from headrace.infra.roles import drop_database

    admin = needs("postgres")
    name = f"t_{secrets.token_hex(8)}"
    owner, template = ("headrace_owner", TEMPLATE) if migrated else ("demo", "template1")
    with psycopg.connect(admin, autocommit=True) as connection:
        make = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template)
        )
        connection.execute(make)
        try:
            yield with_database(admin, name)
        finally:
            drop_database(connection, name)


@contextmanager
def fresh_urls() -> Iterator[Urls]:
    """A freshly migrated database of its own for the block, as each role sees it."""
    with fresh_database(migrated=True) as url:
        yield Urls(*(as_role(url, role) for role in ("headrace_owner", "headrace_app", "headrace_worker")))


def emptied_redis(*, shared: bool = False) -> str:
    """A Valkey database, emptied, that no other pytest worker uses.

    Args:
        shared: For what several tests share; the tests between do not empty that one.
    """
    import redis

    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    url = with_database(needs("redis"), str(number + 8 * shared))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def new_settings(urls: Urls, redis_url: str, home: Path) -> Settings:
    """Settings of an installation of its own."""
    from headrace.infra.crypto import generate_key
    from headrace.infra.settings import Settings
    from headrace.sdk.config import Secret

    return Settings(
        home=home,
        database_url=Secret(urls.app_url),
        database_worker_url=Secret(urls.worker_url),
        database_owner_url=Secret(urls.owner_url),
        redis_url=Secret(redis_url),
        master_keys=(Secret(generate_key()),),
        rate_limits=("anonymous=100000/h", "sign_in=100000/h", "route=100000/m", "user=1000000/h"),
    )


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def as_role(url: str, role: str) -> str:
    """The same database, another role of the session's server."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{server().passwords[role]}@{host}"))
