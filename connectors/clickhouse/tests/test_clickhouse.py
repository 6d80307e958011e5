"""What can be proven without a server; and reads from ClickHouse's own engine, where that is installed."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import subprocess
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import Request, urlopen

import pytest
from headrace.sdk import ConfigError
from headrace.testing.connector import ConnectorContract
from headrace.testing.connector_unproven import UnprovenContract
from headrace.testing.counterparts import folder, free_port, started
from headrace.testing.readme_flow import execute_readme, readme_of, same_for_all

CONFIG = {"host": "db.example.org", "database": "shop", "user": "reader", "password": "s3cret/@:word"}
CITIES = """
create table city (id Int32, name Nullable(String), area Nullable(Float64), day Nullable(Date32),
    n Nullable(Decimal(8, 2)), yes Nullable(Bool), at Nullable(DateTime64(6, 'UTC'))) engine = MergeTree order by id;
insert into city values (1,'Bern',51.6,'2024-02-29',1.25,true,'2024-02-29 12:00:00.000001'),
    (2,'Oslo',null,null,null,null,null),(5,'Riga',304,'1900-01-01',2,false,null);
create table orders (id Int32, state String) engine = MergeTree order by id;
insert into orders values (1,'open'),(2,'sent'),(3,'open')
"""


class TestDeclaration(UnprovenContract):
    connector_id = "clickhouse"
    config = CONFIG
    hidden = "password"
    proven = True


@cache
def chdb() -> int:
    """Port of ClickHouse's HTTP interface over chdb, which is large, and so in an environment of its own."""
    python = os.environ.get("HEADRACE_TEST_CHDB", sys.executable)
    if subprocess.run([python, "-c", "import chdb"], capture_output=True, check=False).returncode:
        pytest.skip("chdb is not installed; make an environment with it, and give its Python as HEADRACE_TEST_CHDB")
    port = free_port()
    arguments = [str(port), str(folder() / "data"), CONFIG["user"], CONFIG["password"]]
    started([python, str(Path(__file__).with_name("chdb_server.py")), *arguments], port)
    return port


def told(database: str, statement: str) -> None:
    headers = {"X-ClickHouse-User": CONFIG["user"], "X-ClickHouse-Key": CONFIG["password"]}
    url = f"http://127.0.0.1:{chdb()}/?database={database}"
    with urlopen(Request(url, statement.encode(), headers)) as answer:
        answer.read()


class TestChdb(ConnectorContract):
    connector_id = "clickhouse"
    skip_reasons: ClassVar[dict[str, str]] = dict.fromkeys(
        ("test_pages_go_on_from_their_state", "test_partitions_give_each_row_once"),
        "keys of ClickHouse are not unique, so no table has one here; a read starts anew",
    )

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        pytest.importorskip("clickhouse_connect", reason="headrace-connector-clickhouse[driver] is not installed")
        database = f"shop_{secrets.token_hex(4)}"
        told("default", f"create database {database}")
        for statement in CITIES.split(";"):
            told(database, statement)
        return {**CONFIG, "host": "127.0.0.1", "port": chdb(), "database": database, "secure": False}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}

    def test_queries_are_selects_with_parameters(self, connector: Any) -> None:
        (found,) = connector.query("select count(*) as n from city where id > :low", {"low": 1})
        assert found.to_dicts() == [{"n": 2}]
        with pytest.raises(ConfigError):
            list(connector.query("delete from city where id = 1"))

    def test_values_come_as_they_are(self, connector: Any) -> None:
        (found,) = connector.read(connector.stream("city"))
        at = dt.datetime(2024, 2, 29, 12, microsecond=1, tzinfo=dt.UTC).replace(tzinfo=None)
        rows = [tuple(v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v for v in row) for row in found.rows()]
        assert sorted(rows) == [
            (1, "Bern", 51.6, dt.date(2024, 2, 29), Decimal("1.25"), True, at),
            (2, "Oslo", None, None, None, None, None),
            (5, "Riga", 304.0, dt.date(1900, 1, 1), Decimal("2.00"), False, None),
        ]

    def test_the_readme_s_flow(self, config: dict[str, Any]) -> None:
        folder = readme_of(self)
        done = execute_readme(folder, same_for_all(folder, config))
        assert (done["orders"].rows_out, done["open"].rows_out) == (3, 2)
