"""The contract for search servers of Elasticsearch's family: mappings, points in time, bulk, aliases."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from contextlib import closing
from functools import partial
from typing import Any

import msgspec
import pytest

from headrace.sdk import ConfigError, DataError, Reject, parse_config
from headrace.sdk.egress_http import EgressClient
from headrace.testing.connector_base import nasty, rows
from headrace.testing.records import CITIES, RecordsContract


class SearchContract(RecordsContract):
    """A subclass gives `port`, of a server that is empty when a test begins."""

    @staticmethod
    @abstractmethod
    def port() -> int:
        """Of the server."""

    def asked(self, method: str, path: str, data: Any = None) -> Any:
        """What the server answers, without the connector in between."""
        with closing(EgressClient()) as client:
            body = b"" if data is None else data if isinstance(data, bytes) else msgspec.json.encode(data)
            url = f"http://127.0.0.1:{self.port()}/{path}"
            answer = client.request(method, url, headers={"Content-Type": "application/json"}, body=body)
        assert answer.status < 300, answer.body
        return msgspec.json.decode(answer.body)

    def put(self, name: str, documents: list[dict[str, Any]], **mapping: Any) -> None:
        """An index with documents; each `_id` is theirs."""
        if mapping:
            self.asked("PUT", name, {"mappings": {"properties": mapping}})
        lines = [({"index": {"_index": name, "_id": str(one["id"])}}, one) for one in documents]
        body = b"".join(msgspec.json.encode(part) + b"\n" for pair in lines for part in pair)
        assert not self.asked("POST", "_bulk?refresh=true", body)["errors"]

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        found = self.asked("GET", "_resolve/index/*")
        for one in found["indices"]:
            self.asked("DELETE", one["name"])
        self.put("city", [dict(city) for city in CITIES])
        return {"host": "127.0.0.1", "port": self.port()}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}

    def test_columns_are_those_of_the_mapping_where_documents_agree(self, connector: Any) -> None:
        fields = {"id": "long", "n": "long", "tags": "keyword", "at": "date", "x": "float", "empty": "date",
                  "place": "geo_point"}  # fmt: skip
        self.put("things", [
            {"id": 1, "n": 1, "tags": ["a", "b"], "at": "2024-07-01T12:00:00Z", "x": 1},
            {"id": 2, "n": 2, "tags": "c", "at": "2024-07-01T12:00:00.123456Z", "x": 1.5,
             "place": {"lat": 1, "lon": 2}},
        ], **{name: {"type": kind} for name, kind in fields.items()})  # fmt: skip
        stream = connector.stream("things")
        assert {column.name: str(column.type) for column in stream.columns} == {
            "_id": "text", "id": "integer", "n": "integer", "tags": "json", "at": "timestamp", "x": "float",
            "empty": "timestamp", "place": "json",
        }  # fmt: skip
        assert set(stream.cursors) == {"id", "n", "at", "empty"}
        found = sorted(rows(connector, stream), key=lambda row: row["id"])
        assert [row["tags"] for row in found] == ['["a","b"]', '"c"']
        assert found[1]["at"] == dt.datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)

    def test_an_empty_index_has_the_columns_of_its_mapping(self, connector: Any) -> None:
        self.asked("PUT", "empty", {"mappings": {"properties": {"n": {"type": "long"}}}})
        stream = connector.stream("empty")
        assert [column.name for column in stream.columns] == ["_id", "n"]
        assert rows(connector, stream) == []
        with pytest.raises(ConfigError, match="nowhere"):
            connector.stream("nowhere")

    def test_what_is_later_is_told_below_the_milliseconds_of_the_server(self, connector: Any) -> None:
        at = dt.datetime(2024, 7, 1, 12, 0, 0, 123400, tzinfo=dt.UTC)
        moments = [at + dt.timedelta(microseconds=n) for n in (-500, 0, 1, 50, 900)]
        self.put("log", [{"id": n, "at": moment.isoformat()} for n, moment in enumerate(moments)], at={"type": "date"})
        stream = connector.stream("log")
        stream = msgspec.structs.replace(stream, cursors=("at",))
        found = [row["at"] for frame in connector.read(stream, after=at) for row in frame.to_dicts()]
        assert sorted(found) == moments[2:]

    def test_pages_are_one_point_in_time(self, connector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headrace.kits.records.search.PAGE", 7)
        self.put("many", [{"id": n} for n in range(40)])
        stream = connector.stream("many")
        reading = connector.read(stream, batch_rows=5)
        found = next(reading).to_dicts()
        self.put("many", [{"id": n} for n in range(40, 50)])
        found += [row for frame in reading for row in frame.to_dicts()]
        assert sorted(row["id"] for row in found) == list(range(40)), "what came meanwhile is of the next read"

    def test_a_page_too_large_for_one_answer_is_asked_for_in_parts(
        self, connector: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.put("large", [{"id": n, "text": "x" * 20_000} for n in range(30)])
        stream = connector.stream("large")
        connector.close()
        small = partial(EgressClient, answer_bytes=200_000)
        monkeypatch.setattr("headrace.kits.records.rest.EgressClient", small)
        assert sorted(row["id"] for row in rows(connector, stream)) == list(range(30))

    def test_a_query_narrows_the_read(self, connector: Any, manifest: Any) -> None:
        stream = connector.stream("city")
        options = parse_config(manifest.read_options, {"query": '{"range": {"area": {"gt": 60}}}'})
        assert [row["name"] for f in connector.read(stream, options=options) for row in f.to_dicts()] == ["Riga"]
        wrong = parse_config(manifest.read_options, {"query": "area > 60"})
        with pytest.raises(ConfigError, match="no JSON object"):
            list(connector.read(stream, options=wrong))
        odd = parse_config(manifest.read_options, {"query": '{"no_such_query": {}}'})
        with pytest.raises(ConfigError, match="no_such_query"):
            list(connector.read(stream, options=odd))

    def test_refused_documents_are_rejects_with_the_reason(self, writer: Any) -> None:
        import polars as pl

        self.put(self.target, [{"id": 0, "n": 0}], n={"type": "long"})
        frame = pl.DataFrame({"id": [1, 2, 3], "n": ["7", "seven", "8"]})
        told: list[Reject] = []
        done = writer.write(self.target, iter([frame]), effect_key="e", reject=told.extend)
        assert (done.written, done.rejected) == (2, 1)
        assert (told[0].row, "seven" in told[0].reason, "[n]" in told[0].reason) == (2, True, True)
        with pytest.raises(DataError, match="row 2"):
            writer.write(self.target, iter([frame]), effect_key="e")
        assert self.asked("GET", f"{self.target}/_count")["count"] == 3

    def test_rows_without_a_form_in_json_are_rejects(self, writer: Any) -> None:
        import polars as pl

        told: list[Reject] = []
        frame = pl.DataFrame({"id": [1, 2], "x": [1.0, float("nan")]})
        assert writer.write(self.target, iter([frame]), reject=told.extend).rejected == 1
        assert "nan" in told[0].reason

    def test_an_index_is_made_with_the_types_of_the_rows(self, writer: Any) -> None:
        import polars as pl

        frame = pl.DataFrame({"text": ["2024-01-01", "no date"], "n": [1, 2], "x": [0.1, 0.2], "yes": [True, None],
                              "day": [dt.date(2024, 1, 1)] * 2})  # fmt: skip
        assert writer.write(self.target, iter([frame])).written == 2
        made = self.asked("GET", f"{self.target}/_mapping")[self.target]["mappings"]["properties"]
        assert {name: one["type"] for name, one in made.items()} == {
            "text": "text", "n": "long", "x": "double", "yes": "boolean", "day": "date",
        }  # fmt: skip

    def test_a_template_says_what_an_index_is(self, writer: Any) -> None:
        import polars as pl

        template = {
            "index_patterns": ["templated-*"],
            "template": {"mappings": {"properties": {"n": {"type": "keyword"}}}},
        }
        self.asked("PUT", "_index_template/headrace-test", template)
        try:
            writer.write("templated-1", iter([pl.DataFrame({"n": [1]})]))
            made = self.asked("GET", "templated-1/_mapping")["templated-1"]["mappings"]["properties"]
            assert made == {"n": {"type": "keyword"}}
        finally:
            self.asked("DELETE", "_index_template/headrace-test")

    def test_an_overwrite_turns_an_alias(self, writer: Any) -> None:
        """An index becomes an alias; its mapping and its other names stay; what was half done is removed."""
        self.put(self.target, [{"id": 0, "text": "old"}], text={"type": "keyword"}, id={"type": "long"})
        self.asked("POST", "_aliases", {"actions": [{"add": {"index": self.target, "alias": "also"}}]})
        left = f"{self.target}-headrace-000000000000"
        self.asked("PUT", left, {})
        for key in ("first", "second", "second"):
            writer.write(self.target, iter([nasty()]), mode="overwrite", effect_key=key)
            assert len(rows(writer, writer.stream(self.target))) == nasty().height
        made = self.asked("GET", self.target)
        assert [set(one["aliases"]) for one in made.values()] == [{self.target, "also"}]
        found = self.asked("GET", f"{self.target}/_mapping")
        (properties,) = [one["mappings"]["properties"] for one in found.values()]
        assert properties["text"] == {"type": "keyword"}
        every = {one["name"] for one in self.asked("GET", "_resolve/index/*")["indices"]}
        assert every == {"city", *made}, "nothing is left over"
        assert {"city", self.target, "also"} == set(writer.names())

    def test_an_index_of_others_behind_an_alias_stays(self, writer: Any) -> None:
        self.put("theirs-v1", [{"id": 0}])
        self.asked("POST", "_aliases", {"actions": [{"add": {"index": "theirs-v1", "alias": self.target}}]})
        writer.write(self.target, iter([nasty()]), mode="overwrite")
        assert self.asked("GET", "theirs-v1/_count")["count"] == 1
        assert len(rows(writer, writer.stream(self.target))) == nasty().height

    def test_what_cannot_be_overwritten_is_told(self, writer: Any) -> None:
        for name in ("one", "two"):
            self.put(name, [{"id": 0}])
            self.asked("POST", "_aliases", {"actions": [{"add": {"index": name, "alias": "both"}}]})
        with pytest.raises(ConfigError, match="an alias of 2 indices"):
            writer.write("both", iter([nasty()]), mode="overwrite")

    def test_an_id_of_the_row_is_that_of_the_document(self, writer: Any) -> None:
        import polars as pl

        long = "ü" * 400
        writer.write(self.target, iter([pl.DataFrame({"_id": ["a", "b"], "n": [1, 2]})]))
        writer.write(self.target, iter([pl.DataFrame({"_id": ["b"], "n": [3]})]), mode="upsert", keys=["_id"])
        writer.write(self.target, iter([pl.DataFrame({"k": [long], "n": [4]})]), mode="upsert", keys=["k"])
        done = writer.write(self.target, iter([pl.DataFrame({"k": [long], "n": [5]})]), mode="upsert", keys=["k"])
        assert done.updated == 1
        found = {row["_id"]: row["n"] for row in rows(writer, writer.stream(self.target))}
        assert len(found) == 3
        assert (found["a"], found["b"]) == (1, 3)
