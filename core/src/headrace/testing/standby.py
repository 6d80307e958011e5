"""A streaming standby of the test session's PostgreSQL: a real one, which can lag, stop and come back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from headrace.infra import processes
from headrace.infra.postgres import Passwords, PostgresServer, binaries
from headrace.testing.server import FAST
from headrace.testing.services import needs, server


class Standby:
    """One standby, copied from the primary by `pg_basebackup`."""

    def __init__(self, folder: Path) -> None:
        ready = server()
        self._admin = urlsplit(needs("postgres"))
        passwords = Passwords(**ready.passwords)
        self._server = PostgresServer(folder / "standby", passwords, folder / "standby.log", options=FAST)
        self._copy(folder)
        self._server.start()

    def _copy(self, folder: Path) -> None:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        run_as = processes.unprivileged(folder, binaries() / "postgres")
        target = self._server.folder
        target.mkdir(mode=0o700)
        processes.own(target, run_as)
        done = processes.call(
            [binaries() / "pg_basebackup", "-D", target, "-R", "-X", "stream", "-c", "fast", "--no-sync",
             "-d", urlunsplit(self._admin)],
            run_as=run_as, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        if done.returncode != 0:
            pytest.fail(f"pg_basebackup: {done.stderr[-2000:]}")

    def url_of(self, url: str) -> str:
        """The same role and database, here."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self._server.port}"))

    def pause(self) -> None:
        """Take up nothing more of what the primary sends."""
        self._do("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Take up all of it."""
        self._do("SELECT pg_wal_replay_resume()")

    def stop(self) -> None:
        """End it."""
        self._server.stop()

    def start(self) -> None:
        """Begin again; it asks for its old port first."""
        self._server.start()

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.url_of(urlunsplit(self._admin)), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def standby(folder: Path) -> Iterator[Standby]:
    """A standby for the block."""
    made = Standby(folder)
    try:
        yield made
    finally:
        made.stop()
