"""The contract against a real server, and what only PostgreSQL has to prove."""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.testing.connector_postgresql import PostgresContract, with_cities


@pytest.fixture
def config(postgres_url: str) -> dict[str, Any]:
    return with_cities(postgres_url)


class TestPostgresql(PostgresContract):
    connector_id = "postgresql"


def open_(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-postgresql"], strict=True).registry.connector("postgresql").open(config)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"password": "wrong-password"}, AuthError, "refuses the user or the password"),
        ({"port": 1}, TransientError, "does not answer"),
        ({"host": "nowhere.invalid"}, ConfigError, "host"),
    ],
)
def test_each_failure_class_has_its_own_error(
    config: dict[str, Any], change: dict[str, Any], kind: type, said: str
) -> None:
    with pytest.raises(kind, match=said):
        open_({**config, **change}).check()


def test_user_sql_is_read_only_and_bound(config: dict[str, Any]) -> None:
    connector = open_(config)
    (frame,) = connector.query(
        "select name, '10:30' as t from city where id > :low and name <> ':low' order by id", {"low": 1}
    )
    assert frame.to_dicts() == [{"name": "Oslo", "t": "10:30"}, {"name": "Riga", "t": "10:30"}]
    for refused in (
        "delete from city",
        "select pg_sleep(1)",
        "select 1; select 2",
        "select * from pg_catalog.pg_shadow",
    ):
        with pytest.raises(ConfigError):
            list(connector.query(refused))


def test_a_column_the_table_lacks_is_named(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="has no column 'colour'"):
        open_(config).write("city", iter([pl.DataFrame({"id": [9], "colour": ["red"]})]))


def test_a_value_that_does_not_fit_leaves_nothing(config: dict[str, Any]) -> None:
    from headrace.sdk import DataError

    connector = open_(config)
    with pytest.raises(DataError, match=r"key .*exists already"):
        connector.write("city", iter([pl.DataFrame({"id": [9, 1]})]))
    assert sum(frame.height for frame in connector.read(connector.stream("city"))) == 3


def test_numbers_are_never_rounded(config: dict[str, Any], postgres_url: str) -> None:
    from headrace.sdk import DataError

    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute("create table exact (n numeric)")
        db.execute("insert into exact values (0.12345678901)")
    connector = open_(config)
    with pytest.raises(DataError, match="decimals"):
        list(connector.read(connector.stream("exact")))
