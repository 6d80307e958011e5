"""Connectors of the sql kit, all through one short form on a server; and READMEs whose flows hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.flows.text import parse
from headrace.flows.validate import validate
from headrace.kits.sql.mysql import MysqlConnector
from headrace.kits.sql.postgresql import PostgresReader
from headrace.plugins.manager import load_plugins
from headrace.sdk import Capability, DataError
from headrace.testing.connector_base import nasty, rows
from headrace.testing.connector_mysql import database_of_cities
from headrace.testing.connector_postgresql import with_cities
from headrace.testing.firebird_server import with_cities as firebird
from headrace.testing.readme_flow import execute_readme, same_for_all

CONNECTORS = Path(__file__).parents[2] / "connectors"
REGISTRY = load_plugins().registry
ENTRIES = {name: entry for name, entry in REGISTRY.connectors.items() if entry.manifest.proof == "wire-compatible"}
CAN = {name: entry.manifest.capabilities for name, entry in ENTRIES.items()}
FAMILIES = {name: entry.manifest.factory.load() for name, entry in ENTRIES.items()}
POSTGRES = sorted(name for name, work in FAMILIES.items() if issubclass(work, PostgresReader))
MYSQL = sorted(name for name, work in FAMILIES.items() if issubclass(work, MysqlConnector))
READMES = sorted(path for path in CONNECTORS.glob("*/README.md") if "\nheadrace: 1\n" in path.read_text())


@pytest.fixture(scope="module")
def mysql() -> Iterator[dict[str, Any]]:
    with database_of_cities() as config:
        yield config


def short_form(name: str, config: dict[str, Any]) -> None:
    """What a connection of every day does: look, read, query, write, repeat, fail."""
    can = ENTRIES[name].manifest.capabilities
    with closing(ENTRIES[name].open(config)) as connector:
        connector.check()
        city = connector.stream("city")
        assert [row["name"] for row in rows(connector, city)] == ["Bern", "Oslo", "Riga"]
        assert "city" in {stream.name for stream in connector.discover()}
        assert [frame["id"].to_list() for frame in connector.read(city, columns=["id"], after=1)] == [[2, 5]]
        (found,) = connector.query("select count(*) as n from city where id > :low", {"low": 1})
        assert found.to_dicts() == [{"n": 2}]
        if Capability.WRITE not in can:
            return
        target, frame = f"short_{name}", nasty()
        for _ in range(2):  # a repeat has one effect
            done = connector.write(target, iter([frame]), mode="upsert", keys=["id"], effect_key=f"e:{name}")
            assert (done.written, done.updated) == (5, 0)
        assert connector.write(target, iter([frame.head(2)]), mode="merge", keys=["id"]).deleted == 3
        with pytest.raises(DataError):
            connector.write(target, failing(frame), mode="append")
        assert rows(connector, connector.stream(target)) == frame.head(2).to_dicts()
        assert connector.write(target, iter([frame]), mode="overwrite").written == 5
        assert sorted(rows(connector, connector.stream(target)), key=lambda row: row["id"]) == frame.to_dicts()


def failing(frame: Any) -> Iterator[Any]:
    yield frame
    raise DataError("the source failed")


def test_each_of_the_postgresql_family(postgres_url: str) -> None:
    config = with_cities(postgres_url)
    assert len(POSTGRES) >= 7
    for name in POSTGRES:
        short_form(name, config)


@pytest.mark.parametrize("name", MYSQL)
def test_each_of_the_mysql_family(name: str, mysql: dict[str, Any]) -> None:
    short_form(name, mysql)


def orders(name: str, config: dict[str, Any]) -> None:
    """The flow of a README, on a table that it reads; and what the flow wrote, if it writes."""
    frame = pl.DataFrame({"id": [1, 2, 3], "state": ["open", "sent", "open"], "total": [9.5, 20.0, None]})
    entry = REGISTRY.connector(name)
    writes = Capability.WRITE in entry.manifest.capabilities
    with closing(entry.open(config)) as connector:
        if writes:
            connector.write("orders", iter([frame]), mode="overwrite")
            connector.write("open_orders", iter([frame.slice(1, 1)]), mode="overwrite")
        folder = CONNECTORS / name
        done = execute_readme(folder, same_for_all(folder, config))
        assert (done["orders"].rows_out, done["open"].rows_out) == (3, 2)
        if writes:
            found = sorted(rows(connector, connector.stream("open_orders")), key=lambda row: row["id"])
            kept = [row for row in found if row["id"] != 2]  # an upsert leaves what a merge deletes
            assert kept == frame.filter(pl.col("state") == "open").to_dicts()
            assert len(found) == (3 if name == "duckdb" else 2)


def test_the_flows_of_the_postgresql_family(postgres_url: str) -> None:
    config = with_cities(postgres_url)
    for name in ("postgresql", *sorted(POSTGRES, key=lambda one: Capability.WRITE not in CAN[one])):
        orders(name, config)


@pytest.mark.parametrize("name", ["mariadb", *MYSQL])
def test_the_flow_of_one_of_the_mysql_family(name: str, mysql: dict[str, Any]) -> None:
    orders(name, mysql)


@pytest.mark.parametrize("name", ["duckdb", "sqlite"])
def test_the_flow_of_one_that_is_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    orders(name, {"path": "shop.db"})


def test_the_flow_of_firebird() -> None:
    orders("firebird", firebird())


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_the_flow_of_a_readme_is_valid(path: Path) -> None:
    for block in re.findall(r"```yaml\n(headrace: 1\n.+?)```", path.read_text(), re.DOTALL):
        text = parse(block)
        problems = validate(text.graph, REGISTRY, connections=text.connections)
        wrong = [problem for problem in problems if problem.severity == "error"]
        assert [problem for problem in wrong if problem.code != "connection_missing"] == []
