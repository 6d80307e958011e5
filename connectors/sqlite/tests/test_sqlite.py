"""The contract, on a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from headrace.testing.connector import ConnectorContract


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
