"""A server that is set up for logical replication, shared by the tests of changes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from headrace.infra.postgres import Passwords, PostgresServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A throw-away server that is set up for logical replication."""
    folder = tmp_path_factory.mktemp("logical")
    options = {"wal_level": "logical", "fsync": "off", "max_replication_slots": "20", "max_wal_senders": "20"}
    made = PostgresServer(folder / "data", Passwords.load(folder / "passwords.json"), folder / "log", options)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """A database of the server; its slots go with it."""
    name, admin = f"t{uuid4().hex}", server.url("postgres", "postgres")
    with psycopg.connect(admin, autocommit=True) as db:
        db.execute(f"create database {name}")
        yield server.url("postgres", name)
        db.execute(
            "select pg_terminate_backend(active_pid, 30000) from pg_replication_slots where database = %s", [name]
        )
        db.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s", [name])
        db.execute(f"drop database {name} with (force)")
