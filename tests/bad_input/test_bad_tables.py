"""Databases that refuse: wrong credentials, host, table, type or key. Nothing is half-written."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

GOOD = "id,name,amount\n1,a,1.5\n2,b,2.5\n2,c,3.5\n"
TABLES = """
create table typed (id int primary key, name int, amount float);
create table narrow (id int);
create table keyed (id int primary key, name text, amount float);
create table strict (id int, name varchar(1), amount float not null);
create table rule (id int, name text, amount float, constraint small_only check (amount < 2));
"""


@pytest.fixture
def good(files: Path, warehouse: str) -> str:
    (files / "good.csv").write_text(GOOD)
    (files / "long.csv").write_text("id,name,amount\n1,abc,1\n")
    (files / "empty.csv").write_text("id,name,amount\n1,a,\n")
    with psycopg.connect(warehouse) as db:
        db.execute(TABLES)
    return "good.csv"


KEYS = ("'The target'", "nothing was written")
WRITES: dict[str, tuple[str, dict[str, Any], str, str, tuple[str, ...]]] = {
    "text into an integer column": (
        "good.csv", {"stream": "typed"}, "DATA_INVALID", "name", (*KEYS, "column 'name'", "cast it before"),
    ),
    "text that is too long": (
        "long.csv", {"stream": "strict"}, "DATA_INVALID", "name", (*KEYS, "column 'name'", "change the table"),
    ),
    "nothing into a column that must have a value": (
        "empty.csv", {"stream": "strict"}, "DATA_INVALID", "amount", (*KEYS, "column 'amount' may not be null", "fill"),
    ),
    "a key twice in an append": (
        "good.csv", {"stream": "keyed"}, "DATA_INVALID", "id", (*KEYS, "the key (id) exists already", "Distinct"),
    ),
    "a key twice in an upsert": (
        "good.csv", {"stream": "keyed", "mode": "upsert", "keys": ["id"]}, "DATA_INVALID", "keys",
        (*KEYS, "2 rows have the same key (id=2)", "put a Distinct step before"),
    ),
    "a constraint": (
        "good.csv", {"stream": "rule"}, "DATA_INVALID", "", (*KEYS, "small_only", "filter the rows before"),
    ),
    "an upsert without keys": (
        "good.csv", {"stream": "keyed", "mode": "upsert"}, "VALIDATION_FAILED", "keys",
        ("'The target'", "an upsert needs key columns", "choose columns"),
    ),
    "a key that is no column": (
        "good.csv", {"stream": "keyed", "mode": "upsert", "keys": ["di"]}, "VALIDATION_FAILED", "keys",
        ("'The target'", "'di'", "choose columns"),
    ),
    "a table that lacks a column": (
        "good.csv", {"stream": "narrow"}, "VALIDATION_FAILED", "name",
        ("'The target'", "'narrow' has no column 'name'", "add it there"),
    ),
    "a schema that is not there": (
        "good.csv", {"stream": "nope.x"}, "VALIDATION_FAILED", "stream",
        ("'The target'", "no schema 'nope'", "create it or correct the name"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITES.values(), ids=WRITES)
def test_a_refused_write_leaves_nothing(
    case: tuple[Any, ...], good: str, run: Callable, steps: Any, warehouse: str, to_postgres: Callable, tables: Callable
) -> None:
    source, config, code, field, words = case
    shown = run(steps.read(source), steps.write(**config), Db=to_postgres(warehouse))
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", code, "target")
    assert shown.error.get("field", "") == field
    assert [word for word in words if word not in shown.sentence] == [], shown.sentence
    rows, target = shown.nodes["rows"], shown.nodes["target"]
    assert (rows["status"], rows["rows_out"]) == ("completed", len(GOOD.splitlines()) - 1 if source == good else 1)
    assert (target["status"], target["rows_out"]) == ("failed", None)
    assert tables() == {}, "not a row, and no note of an effect"


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


CONNECTIONS: dict[str, tuple[dict[str, Any], str, str, tuple[str, ...]]] = {
    "wrong password": (
        {"password": "wrong-password-1"}, "CONNECTION_AUTH_FAILED", "password",
        ("user or the password", "correct them"),
    ),
    "unknown user": ({"user": "nobody_here"}, "CONNECTION_AUTH_FAILED", "password", ("user or the password",)),
    "unknown database": (
        {"database": "nope"}, "VALIDATION_FAILED", "database", ("/nope does not exist", "correct its name"),
    ),
    "unknown host": (
        {"host": "nowhere.invalid"}, "VALIDATION_FAILED", "host", ("nowhere.invalid", "not known", "correct"),
    ),
    "dead server": ({"port": 0}, "UNAVAILABLE", "host", ("does not answer", "check host and port")),
}  # fmt: skip


@pytest.mark.parametrize("case", CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_wrong_connection_is_said(
    case: tuple[Any, ...], good: str, run: Callable, steps: Any, warehouse: str, to_postgres: Callable,
    tables: Callable, closed_port: int,
) -> None:  # fmt: skip
    changes, code, field, words = case
    changes = {**changes, **({"port": closed_port} if "port" in changes else {})}
    shown = run(steps.read(good), steps.write(), Db=to_postgres(warehouse, **changes))
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", code, "target")
    assert shown.error["field"] == field
    assert [word for word in ("'The target'", *words) if word not in shown.sentence] == [], shown.sentence
    assert "wrong-password-1" not in str(shown)
    assert tables() == {}


def test_an_unknown_table_brings_the_nearest(
    good: str, run: Callable, steps: Any, warehouse: str, to_postgres: Callable
) -> None:
    for name, advice in (("keyd", "did you mean 'keyed'?"), ("zzz", "there is ")):
        shown = run(steps.read(name, "Db", "postgresql"), Db=to_postgres(warehouse))
        assert (shown.error["code"], shown.error["node_id"]) == ("VALIDATION_FAILED", "rows")
        assert shown.error["field"] == "stream"
        assert f"there is no table '{name}'" in shown.sentence
        assert advice in shown.sentence
        assert "_headrace" not in shown.sentence


def test_a_query_that_names_a_wrong_column_is_said(
    good: str, run: Callable, steps: Any, warehouse: str, to_postgres: Callable
) -> None:
    step = {
        "id": "ask",
        "type": "postgresql.query",
        "label": "Ask",
        "config": {"connection": "Db", "sql": "select nmae from keyed"},
    }
    shown = run(step, Db=to_postgres(warehouse))
    assert (shown.error["code"], shown.error["node_id"]) == ("VALIDATION_FAILED", "ask")
    assert "there is no column 'nmae'" in shown.sentence


def test_an_sqlite_file_that_is_none_or_outside_is_said(good: str, run: Callable, steps: Any, files: Path) -> None:
    (files / "none.db").write_text("this is no database at all" * 100)
    for path, words in (
        (f"{files.name}/none.db", ("is no database file", "choose another")),
        ("/etc/headrace.db", ("is outside of what this install opens to flows", "HEADRACE_FILE_ROOTS")),
        (f"{files.name}/nowhere/t.db", ("does not exist", "create it or correct the path")),
    ):
        here = {"connector": "sqlite", "config": {"path": path}}
        shown = run(steps.read(good), steps.write(kind="sqlite"), Db=here)
        assert (shown.status, shown.error["node_id"], shown.error["field"]) == ("failed", "target", "path"), shown
        assert [word for word in words if word not in shown.sentence] == [], shown.sentence
    assert not Path("/etc/headrace.db").exists()


def test_an_sqlite_table_takes_all_or_nothing(good: str, run: Callable, steps: Any, files: Path) -> None:
    here = {"connector": "sqlite", "config": {"path": f"{files.name}/t.db"}}
    with closing(sqlite3.connect(files / "t.db")) as db, db:
        db.execute("create table keyed (id integer primary key, name text, amount real not null)")
    for source, config, field in (
        (good, {}, "id"),
        (good, {"mode": "upsert", "keys": ["id"]}, "keys"),
        ("empty.csv", {}, "amount"),
    ):
        shown = run(steps.read(source), steps.write("keyed", kind="sqlite", **config), Db=here)
        assert (shown.status, shown.error["code"], shown.error["field"]) == ("failed", "DATA_INVALID", field), shown
        assert "nothing was written" in shown.sentence
    with closing(sqlite3.connect(files / "t.db")) as db:
        assert db.execute("select count(*) from keyed").fetchone() == (0,)
