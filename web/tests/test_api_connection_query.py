"""One SELECT over a connection: under the SQL policy, with bound values, for those who may look through it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

API = "/api/v1/connections"


async def test_a_select_gives_its_first_rows_and_nothing_else_is_executed(
    client: Any, sign_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "t.db")) as db, db:
        db.execute("create table city (id integer primary key, name text)")
        db.executemany("insert into city values (?, ?)", [(n, f"Bern {n}") for n in range(1, 501)])
    owner, other = await sign_up("owner"), await sign_up("owner", name="other")

    async def ask(path: str, body: Any, who: Any = owner) -> Any:
        return await client.post(API + path, json=body, headers=who.headers)

    made = (await ask("", {"name": "Shop", "connector": "sqlite", "config": {"path": "t.db"}})).json()["data"]["id"]
    sql = "select id, name from city where id > :least or name = :name order by id"
    asked = {"sql": sql, "parameters": {"least": 490, "name": "x' or '1'='1"}, "limit": 4}
    found = (await ask(f"/{made}/query", asked)).json()["data"]
    assert [column["name"] for column in found["schema"]] == ["id", "name"]
    assert found["rows"] == [[n, f"Bern {n}"] for n in range(491, 495)]
    assert found["truncated"]
    whole = (await ask(f"/{made}/query", {**asked, "limit": 100})).json()["data"]
    assert (len(whole["rows"]), whole["truncated"]) == (10, False), "a quote in a value is a quote"

    for sql in ("delete from city", "select 1; drop table city", "select load_extension('x')", "not sql at all"):
        refused = await ask(f"/{made}/query", {"sql": sql})
        assert refused.status_code in {400, 422}, sql
    assert (await ask(f"/{made}/query", {"sql": "select 1", "limit": 1_001})).status_code in {400, 422}
    assert (await ask(f"/{made}/query", asked, other)).status_code == 404
    files = (await ask("", {"name": "Files", "connector": "local_files", "config": {"root": "."}})).json()["data"]["id"]
    none = await ask(f"/{files}/query", {"sql": "select 1"})
    assert "takes no SQL" in none.json()["error"]["message"]
    with closing(sqlite3.connect(tmp_path / "t.db")) as db:
        assert db.execute("select count(*) from city").fetchone() == (500,)
