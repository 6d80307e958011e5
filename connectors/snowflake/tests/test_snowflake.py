"""What can be proven without Snowflake: the declaration alone, and reads against fakesnow where it is installed."""

from __future__ import annotations

import datetime as dt
import secrets
from contextlib import closing
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

import pytest
from headrace.sdk import ConfigError
from headrace.testing.connector import ConnectorContract
from headrace.testing.connector_unproven import UnprovenContract
from headrace.testing.counterparts import binary, free_port, started

INSTALLED = "'fakesnow[server]' --with 'snowflake-connector-python<4'"
CONFIG = {"account": "acme-shop", "database": "SHOP", "user": "reader", "password": "s3cret/@:word"}
CITIES = (
    "create table city (id int primary key, name varchar, area float, day date, n number(8,2), yes boolean)",
    "insert into city values (1,'Bern',51.6,'2024-02-29',1.25,true),(2,'Oslo',null,null,null,null)",
    "insert into city values (5,'Riga',304,'1900-01-01',2,false)",
)


class TestDeclaration(UnprovenContract):
    connector_id = "snowflake"
    config = CONFIG
    hidden = "password"
    proven = True


@cache
def fakesnow() -> int:
    """Port of a Snowflake over DuckDB, in an environment of its own: it needs an older driver."""
    port = free_port()
    started([binary("fakesnow", "(or rather: uv tool install) " + INSTALLED), "-s", "-p", str(port)], port)
    return port


class TestFakesnow(ConnectorContract):
    connector_id = "snowflake"
    skip_reasons: ClassVar[dict[str, str]] = {
        "test_bad_config_is_a_clear_error_without_secrets": "fakesnow signs everybody in",
    }

    @pytest.fixture
    def config(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        pytest.importorskip("snowflake.sqlalchemy", reason="headrace-connector-snowflake[driver] is not installed")
        import snowflake.connector
        from headrace_connector_snowflake.connector import SnowflakeConnector

        named, port = SnowflakeConnector.connect_args, fakesnow()
        here = {"host": "127.0.0.1", "port": port, "protocol": "http", "session_parameters": {}}
        monkeypatch.setattr(SnowflakeConnector, "judged", lambda _: ("127.0.0.1", port))
        monkeypatch.setattr(SnowflakeConnector, "connect_args", lambda self: {**named(self), **here})
        config = {**CONFIG, "database": f"SHOP_{secrets.token_hex(4)}".upper()}
        given = {name: config[name] for name in ("account", "user", "password", "database")}
        with (
            closing(snowflake.connector.connect(**given, **here, schema="PUBLIC")) as db,
            closing(db.cursor()) as cursor,
        ):
            for statement in CITIES:
                cursor.execute(statement)
        return config

    @pytest.fixture
    def bad_config(self) -> dict[str, Any]:
        return {**CONFIG, "password": "s3cret-and-wrong"}

    def test_queries_are_selects_with_parameters(self, connector: Any) -> None:
        (found,) = connector.query("select count(*) as n from city where id > :low", {"low": 1})
        assert found.to_dicts() == [{"n": 2}]
        with pytest.raises(ConfigError):
            list(connector.query("delete from city"))

    def test_values_come_as_they_are(self, connector: Any) -> None:
        (found,) = connector.read(connector.stream("city"))
        assert sorted(found.rows()) == [
            (1, "Bern", 51.6, dt.date(2024, 2, 29), Decimal("1.25"), True), (2, "Oslo", None, None, None, None),
            (5, "Riga", 304.0, dt.date(1900, 1, 1), Decimal("2.00"), False),
        ]  # fmt: skip
