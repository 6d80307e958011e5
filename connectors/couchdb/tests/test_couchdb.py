"""The contract, against pouchdb-server; signing in and conflicts that come in between, against a server of the test."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import msgspec
import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Reject
from headrace.sdk.egress_http import EgressClient
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import couchdb
from headrace.testing.http_server import Asked, Reply, http_server, json_reply
from headrace.testing.records import CITIES, RecordsContract
from headrace_connector_couchdb import ChangesConfig
from headrace_connector_couchdb.changes import Changes


def asked(method: str, path: str, data: Any = None) -> Any:
    with closing(EgressClient()) as client:
        url, kind = f"http://127.0.0.1:{couchdb()}/{path}", {"Content-Type": "application/json"}
        answer = client.request(method, url, headers=kind, body=b"" if data is None else msgspec.json.encode(data))
    assert answer.status < 300, answer.body
    return msgspec.json.decode(answer.body)


@pytest.fixture
def config() -> dict[str, Any]:
    for name in asked("GET", "_all_dbs"):
        if not name.startswith("_"):
            asked("DELETE", name)
    asked("PUT", "city")
    asked("POST", "city/_bulk_docs", {"docs": [{"_id": str(city["id"]), **city} for city in CITIES]})
    asked("POST", "city/_index", {"index": {"fields": ["id"]}, "name": "by-id", "type": "json"})
    return {"host": "127.0.0.1", "port": couchdb()}


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-couchdb"], strict=True).registry.connector("couchdb").open(config)


class TestCouchdb(RecordsContract):
    connector_id = "couchdb"

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_a_document_of_somebody_else_is_not_overwritten(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        (bern,) = [row for row in rows(connector, connector.stream("city")) if row["name"] == "Bern"]
        asked("PUT", "city/1", {**CITIES[0], "area": 52.0, "_rev": bern["_rev"]})
        told: list[Reject] = []
        frame = pl.DataFrame([{**bern, "area": 0.0}, {"_id": "new", "_rev": None, "id": 9, "name": "X", "area": 1.0}])
        done = connector.write("city", iter([frame]), mode="upsert", keys=["_id"], reject=told.extend)
        assert (done.written, done.rejected, told[0].row) == (1, 1, 1)
        assert "conflict" in told[0].reason
        told.clear()
        once = pl.DataFrame({"_id": ["1", "2"], "name": ["Other", "Oslo"], "id": [1, 2], "area": [1.0, None]})
        done = connector.write("city", iter([once]), reject=told.extend)
        assert (done.written, done.rejected) == (1, 1), "the same document again is no conflict"
    assert asked("GET", "city/1")["area"] == 52.0


def test_what_changes_nothing_makes_no_revision(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        before = asked("GET", "city/1")["_rev"]
        frame = pl.DataFrame({"id": [1], "name": ["Bern"]})
        done = connector.write("city", iter([frame]), mode="upsert", keys=["id"])
        assert (done.written, done.updated) == (1, 1)
        assert asked("GET", "city/1")["_rev"] == before


def test_pages_go_by_id_past_designs(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_connector_couchdb.connector.PAGE", 3)
    asked("PUT", "many")
    asked("POST", "many/_bulk_docs", {"docs": [{"_id": f"d {n:02d}/ü", "n": n} for n in range(10)]})
    asked("POST", "many/_index", {"index": {"fields": ["n"]}, "name": "by-n", "type": "json"})
    with closing(opened(config)) as connector:
        stream = connector.stream("many")
        assert stream.cursors == ("n",)
        assert [row["n"] for row in rows(connector, stream)] == list(range(10))
        assert [row["n"] for f in connector.read(stream, after=2) for row in f.to_dicts()] == list(range(3, 10))


def test_ids_that_no_document_may_have_are_rejects(config: dict[str, Any]) -> None:
    told: list[Reject] = []
    with closing(opened(config)) as connector:
        frame = pl.DataFrame({"_id": ["_bad", "good"], "n": [1, 2]})
        assert connector.write("made", iter([frame]), reject=told.extend).written == 1
    assert "'_bad'" in told[0].reason


def test_changes_come_once_and_in_order(config: dict[str, Any]) -> None:
    name = f"t{secrets.token_hex(4)}"
    asked("PUT", name)
    asked("POST", f"{name}/_bulk_docs", {"docs": [{"_id": "a", "n": 1}, {"_id": "b", "n": 2}]})
    with closing(opened(config)) as connector:
        context: Any = SimpleNamespace(connector=lambda _: connector)
        trigger = Changes(ChangesConfig(connection="c", database=name, first="all", batch_changes=2), None)
        cursor = trigger.receive(context, {}, wait_s=0).cursor
        first = trigger.receive(context, cursor, wait_s=1)
        assert [(row["operation"], row["id"], row["document"]["n"]) for row in first.events[0].rows] == [
            ("write", "a", 1), ("write", "b", 2),
        ]  # fmt: skip
        rev = asked("GET", f"{name}/a")["_rev"]
        asked("DELETE", f"{name}/a?rev={rev}")
        asked("PUT", f"{name}/c", {"n": 3})
        again = trigger.receive(context, msgspec.json.decode(msgspec.json.encode(first.cursor)), wait_s=1)
        assert [(row["operation"], row["id"]) for row in again.events[0].rows] == [("delete", "a"), ("write", "c")]
        assert again.events[0].key != first.events[0].key
        assert not trigger.receive(context, again.cursor, wait_s=0.1).events
        new = Changes(ChangesConfig(connection="c", database=name), None)
        cursor = new.receive(context, {}, wait_s=0).cursor
        asked("PUT", f"{name}/d", {"n": 4})
        assert [row["id"] for row in new.receive(context, cursor, wait_s=1).events[0].rows] == ["d"]
        wrong = Changes(ChangesConfig(connection="c", database="nowhere-at-all"), None)
        with pytest.raises(ConfigError, match="no database 'nowhere-at-all'"):
            wrong.receive(context, {}, wait_s=0)


def served(conflicts: int) -> Callable[[Asked], Reply]:
    """A server where somebody changes a document so many times just before it is written."""
    state = {"left": conflicts, "rev": 1}

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Basic YW5uOnJpZ2h0":
            return json_reply({"error": "unauthorized", "reason": "Name or password is incorrect."}, 401)
        if asked.path == "/t/_all_docs":
            doc = {"_id": "1", "_rev": f"{state['rev']}-x", "id": 1, "n": state["rev"]}
            return json_reply({"rows": [{"id": "1", "key": "1", "value": {"rev": doc["_rev"]}, "doc": doc}]})
        if asked.path == "/t/_bulk_docs":
            if state["left"]:
                state["left"], state["rev"] = state["left"] - 1, state["rev"] + 1
                return json_reply([{"id": "1", "error": "conflict", "reason": "Document update conflict."}], 201)
            assert asked.json()["docs"][0]["_rev"] == f"{state['rev']}-x"
            return json_reply([{"ok": True, "id": "1", "rev": "9-x"}], 201)
        return json_reply([] if asked.path == "/_all_dbs" else {"db_name": "t"})

    return answer


@pytest.mark.parametrize(("conflicts", "written"), [(0, 1), (2, 1), (3, 0)])
def test_a_conflict_that_comes_in_between_is_looked_at_anew(conflicts: int, written: int) -> None:
    told: list[Reject] = []
    with http_server(served(conflicts)) as server:
        config = {"host": server.host, "port": server.port, "user": "ann", "password": "right"}
        with closing(opened(config)) as connector:
            frame = pl.DataFrame({"id": [1], "n": [100]})
            done = connector.write("t", iter([frame]), mode="upsert", keys=["id"], reject=told.extend)
        assert (done.written, done.rejected) == (written, 1 - written)
        assert all("Document update conflict" in one.reason for one in told)
        with closing(opened({**config, "password": "wr0ng"})) as connector, pytest.raises(AuthError) as caught:
            connector.check()
        assert "wr0ng" not in caught.value.message
