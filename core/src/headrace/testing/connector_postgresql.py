"""The contract for connectors of the PostgreSQL family: against a PostgreSQL server, in a database of its own."""

# ruff: noqa: D102 - these are fixtures of tests

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from headrace.testing.connector import ConnectorContract

_CITIES = (
    "create table city (id int primary key, name text, area float8, at timestamptz, tags jsonb, n numeric(8,2))",
    "insert into city values (1,'Bern',51.6,now(),'{\"a\":1}',1.25)",
    "insert into city (id, name) values (2,'Oslo')",
    "insert into city values (5,'Riga',304,now(),'[]',2)",
)


class PostgresContract(ConnectorContract):
    """The contract, with a database for each test."""

    @pytest.fixture
    def config(self, postgres_url: str) -> dict[str, Any]:
        return with_cities(postgres_url)

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}


def with_cities(url: str) -> dict[str, Any]:
    """The config of a database that has a table of three cities."""
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as db:
        for statement in _CITIES:
            db.execute(statement)
    return {
        "host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
        "password": parts.password or "",
    }  # fmt: skip
