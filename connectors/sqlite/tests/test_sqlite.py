"""The contract, on a file."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError
from headrace.testing.connector import ConnectorContract


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))


class TestSqlite(ConnectorContract):
    connector_id = "sqlite"

    @pytest.fixture
    def config(self, tmp_path: Path) -> dict[str, str]:
        path = tmp_path / "t.db"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("create table city (id integer primary key, name text, area real)")
            db.executemany(
                "insert into city values (?,?,?)", [(1, "Bern", 51.6), (2, "Oslo", None), (5, "Riga", 304.0)]
            )
        return {"path": str(path)}

    @pytest.fixture
    def bad_config(self, tmp_path: Path) -> dict[str, str]:
        return {"path": str(tmp_path / "nowhere" / "t.db")}


@pytest.mark.parametrize("path", ["/etc/t.db", "../t.db", "..", "link.db"])
def test_a_file_outside_of_the_roots_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("/etc/passwd")
    entry = load_plugins(only=["connector-sqlite"], strict=True).registry.connector("sqlite")
    with closing(entry.open({"path": path})) as connector, pytest.raises(ConfigError) as caught:
        connector.check()
    assert caught.value.details["field"] == "path"


def test_a_column_of_floats_takes_no_more_digits_than_it_keeps(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.db")) as db, db:
        db.execute("create table t (n decimal(20,4))")
    entry = load_plugins(only=["connector-sqlite"], strict=True).registry.connector("sqlite")
    with closing(entry.open({"path": str(tmp_path / "t.db")})) as connector:
        frame = pl.DataFrame({"n": [Decimal("1234567890123456.7891")]}, schema={"n": pl.Decimal(20, 4)})
        with pytest.raises(DataError, match="would round"):
            connector.write("t", iter([frame]))
        connector.write("t", iter([pl.DataFrame({"n": [Decimal("99999999.9999"), None]})]))
        (back,) = connector.read(connector.stream("t"))
        assert back["n"].to_list() == [Decimal("99999999.9999"), None]
