"""What a write would do is told before it is done, and told only to who may look through the connection."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

API = "/api/v1"


async def test_a_write_is_planned_and_nothing_changes(
    client: Any, sign_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "t.db")) as db, db:
        db.execute("create table city (id integer primary key, name text)")
        db.execute("insert into city values (1, 'Bern')")
    owner, other = await sign_up("owner"), await sign_up("owner", name="other")

    async def ask(path: str, body: Any, who: Any = owner) -> Any:
        return await client.post(API + path, json=body, headers=who.headers)

    made = await ask("/connections", {"name": "Shop", "connector": "sqlite", "config": {"path": "t.db"}})
    plan = f"/connections/{made.json()['data']['id']}/plan"
    columns = [{"name": "id", "type": "integer", "bits": 32}, {"name": "late", "type": "text"}]
    asked = {"stream": "city", "columns": columns, "mode": "overwrite"}
    found = (await ask(plan, asked)).json()["data"]
    assert [(one["kind"], one["column"], one["loses"]) for one in found][:2] == [
        ("rewrite", "", True),
        ("drop", "name", True),
    ]
    assert found[0]["text"].startswith("1 rows of 'city' are replaced")
    added = (await ask(plan, {**asked, "mode": "append", "options": {"drift": "evolve"}})).json()["data"]
    assert [(one["kind"], one["column"], one["loses"]) for one in added] == [("add", "late", False)]

    refused = await ask(plan, {**asked, "mode": "append"})
    assert refused.status_code == 422
    assert "late" in refused.json()["error"]["message"]
    for wrong in ({**asked, "columns": [{"name": "id"}]}, {**asked, "mode": "replace"}, {"stream": "city"}):
        assert (await ask(plan, wrong)).status_code in {400, 422}
    assert (await ask(plan, asked, other)).status_code == 404
    with closing(sqlite3.connect(tmp_path / "t.db")) as db:
        assert db.execute("select * from city").fetchall() == [(1, "Bern")]

    files = await ask("/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    cannot = await ask(f"/connections/{files.json()['data']['id']}/plan", asked)
    assert cannot.status_code == 422
    assert "cannot tell what a write would do" in cannot.json()["error"]["message"]
