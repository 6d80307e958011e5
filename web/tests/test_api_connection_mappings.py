"""Mappings of a real PostgreSQL: our fields, typed and bound filters, one of a kind, answers kept a while."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

API = "/api/v1"
TABLES = """
CREATE SCHEMA plant;
CREATE TABLE plant.machines ("Code" text, kind text, label text, state text, ran timestamptz);
INSERT INTO plant.machines VALUES
  ('P-1', 'pump', 'North: pump', 'active', '2026-01-01T08:00:00Z'),
  ('P-2', 'pump', NULL, 'stop', '2026-01-02T08:00:00Z'),
  ('M-1', 'mixer', 'Mixer', 'active', '2026-01-03T08:00:00Z'), ('P-3', 'pump', 'South', 'active', NULL);
CREATE TABLE measured (equipment_type text, equipment_code text, measurement_code text, measurement_desc text,
  measurement_value numeric(10, 2), "timestamp" timestamptz);
INSERT INTO measured SELECT 'pump', 'P-1', 'temp', 'Temperature', n / 2.0, now() - n * interval '1 minute'
  FROM generate_series(0, 119) n;
"""
FIELDS = {"equipment_code": "Code", "equipment_type": "kind", "equipment_name": "label", "status": "state",
          "last_run_time": "ran"}  # fmt: skip
STATUS = {"data_type": "equipment_status", "source_table_name": "plant.machines", "source_field_mappings": FIELDS}


@pytest.fixture
async def plant(client, sign_up, postgres_url):
    parts = urlsplit(postgres_url)
    with psycopg.connect(postgres_url) as db:
        db.execute(TABLES)
    person = await sign_up()

    async def ask(method: str, path: str, body: Any = None, status: int = 200, who: Any = None, **query: Any) -> Any:
        answer = await client.request(method, API + path, json=body, params=query, headers=(who or person).headers)
        assert answer.status_code == status, answer.text
        return answer.json()["data"] if answer.is_success else answer.json()["error"]

    config = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
              "password": parts.password or ""}  # fmt: skip
    made = await ask("POST", "/connections", {"name": "Plant", "connector": "postgresql", "config": config}, 201)
    ask.at, ask.url = f"/connections/{made['id']}/mappings", postgres_url
    return ask


async def rows(plant, mapping, **query):
    return await plant("GET", f"{plant.at}/{mapping['id']}/rows", **query)


def codes(found) -> list[str]:
    return [row["equipment_code"] for row in found["rows"]]


async def test_rows_come_by_our_names_filtered_and_ordered(plant):
    one = await plant("POST", plant.at, {**STATUS, "order_by_clause": "equipment_type, equipment_code DESC"}, 201)
    assert (one["cache_duration"], one["max_records"]) == (300, 1000)
    found = await rows(plant, one)
    assert codes(found) == ["M-1", "P-3", "P-2", "P-1"]
    assert found["rows"][3] == {
        "equipment_type": "pump", "equipment_code": "P-1", "equipment_name": "North: pump", "status": "active",
        "last_run_time": found["rows"][3]["last_run_time"],
    }  # fmt: skip
    assert found["rows"][3]["last_run_time"].startswith("2026-01-01T08:00:00")
    assert codes(await rows(plant, one, equipment_types=["pump"], status_filter=["active", "x"])) == ["P-3", "P-1"]
    span = {"from": "2026-01-02T08:00:00Z", "to": "2026-01-03T08:00:00Z"}
    assert codes(await rows(plant, one, **span)) == ["P-2"], "from counts, to does not"
    assert codes(await rows(plant, one, equipment_types=["pump' OR '1'='1"])) == []
    first = await rows(plant, one, limit=1)
    assert (codes(first), first["truncated"]) == (["M-1"], True)


async def test_filters_of_the_mapping_hold_whatever_is_asked(plant):
    kept = {"status_filter": ["active"], "time_range": {"to": "2026-01-03T00:00:00Z"}}
    one = await plant("POST", plant.at, {**STATUS, "filter_conditions": kept}, 201)
    assert one["filter_conditions"]["status_filter"] == ["active"]
    assert codes(await rows(plant, one)) == ["P-1"]
    assert codes(await rows(plant, one, status_filter=["stop"])) == []


async def test_a_base_query_is_one_select_under_the_policy(plant):
    query = "WITH hot AS (SELECT * FROM measured WHERE measurement_value > 10) SELECT *, 'a:b' AS note FROM hot"
    body = {"data_type": "measurement_data", "base_query": query, "max_records": 50,
            "filter_conditions": {"time_range": {"last_seconds": 3600}}, "order_by_clause": "timestamp"}  # fmt: skip
    one = await plant("POST", plant.at, body, 201)
    found = await rows(plant, one)
    assert len(found["rows"]) == 39, "21 to 59 minutes ago, those above 10"
    assert set(found["rows"][0]) == {"equipment_type", "equipment_code", "measurement_code", "measurement_desc",
                                     "measurement_value", "timestamp"}  # fmt: skip
    for refused in (
        "DELETE FROM measured", "SELECT pg_sleep(9)", "SELECT 1; DROP TABLE measured", "SELECT * FROM pg_shadow",
        "SELECT * FROM measured WHERE equipment_code = :x", "not sql",
    ):  # fmt: skip
        said = await plant("PATCH", f"{plant.at}/{one['id']}", {"base_query": refused, "row_version": 1}, 422)
        assert said["code"] == "VALIDATION_FAILED", refused
    with psycopg.connect(plant.url) as db:
        assert db.execute("SELECT count(*) FROM measured").fetchone() == (120,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base_query": "SELECT 1 AS a"}, "one of the two"),
        ({"source_table_name": ""}, "one of the two"),
        ({"source_table_name": "machines; DROP TABLE measured"}, "no name of a table"),
        ({"source_table_name": "pg_shadow"}, "system table"),
        ({"source_table_name": "(SELECT 1) x"}, "no name of a table"),
        ({"source_field_mappings": {"colour": "x"}}, "is no field of equipment_status"),
        ({"source_field_mappings": {"status": "state"}}, "needs a column for 'equipment_code'"),
        ({"order_by_clause": "status; DROP TABLE measured"}, "is no order"),
        ({"order_by_clause": "pg_sleep(9)"}, "is no order"),
        (
            {"source_field_mappings": {"equipment_code": "Code", "status": "state"},
             "filter_conditions": {"equipment_types": ["pump"]}}, "needs 'equipment_type'",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_said_when_it_is_stored(plant, change, said):
    assert said in (await plant("POST", plant.at, {**STATUS, **change}, 422))["message"]


@pytest.mark.parametrize("odd", [{"equipment_types": "pump"}, {"sql": "1=1"}, {"time_range": {"from": "noon"}}])
async def test_filters_are_typed(plant, odd):
    await plant("POST", plant.at, {**STATUS, "filter_conditions": odd}, 422)


async def test_a_time_range_is_said_in_one_way(plant):
    both = {"time_range": {"from": "2026-01-01T00:00:00Z", "last_seconds": 60}}
    refused = await plant("POST", plant.at, {**STATUS, "filter_conditions": both}, 422)
    assert "or `last_seconds`; give one of the two" in str(refused)


async def test_a_column_with_a_quote_in_its_name_stays_a_name(plant):
    odd = {**FIELDS, "equipment_name": 'label" FROM plant.machines; DROP TABLE measured; --'}
    one = await plant("POST", plant.at, {**STATUS, "source_field_mappings": odd}, 201)
    await plant("GET", f"{plant.at}/{one['id']}/rows", status=422)
    with psycopg.connect(plant.url) as db:
        assert db.execute("SELECT count(*) FROM measured").fetchone() == (120,)


async def test_one_of_a_kind_is_changed_put_and_taken_away(plant, sign_up):
    one = await plant("POST", plant.at, STATUS, 201)
    assert "has a mapping of equipment_status already" in (await plant("POST", plant.at, STATUS, 409))["message"]
    at = f"{plant.at}/{one['id']}"
    changed = await plant("PATCH", at, {"max_records": 2, "row_version": one["row_version"]})
    assert (changed["max_records"], changed["source_field_mappings"]) == (2, FIELDS)
    await plant("PATCH", at, {"max_records": 3, "row_version": one["row_version"]}, 412)
    assert len((await rows(plant, one))["rows"]) == 2
    whole = {"source_table_name": "plant.machines", "source_field_mappings": FIELDS}
    put = await plant("PUT", at, {**whole, "row_version": changed["row_version"]})
    assert put["max_records"] == 1000
    assert [row["id"] for row in await plant("GET", plant.at)] == [one["id"]]
    other = await sign_up(name="other")
    for path in (plant.at, at, f"{at}/rows"):
        await plant("GET", path, status=404, who=other)
    await plant("DELETE", at)
    await plant("GET", at, status=404)
    assert await plant("GET", plant.at) == []


async def test_an_answer_is_given_again_as_long_as_the_mapping_allows(plant):
    one = await plant("POST", plant.at, STATUS, 201)
    assert not (await rows(plant, one))["cached"]
    with psycopg.connect(plant.url) as db:
        db.execute("DELETE FROM plant.machines")
    again = await rows(plant, one)
    assert (again["cached"], len(again["rows"])) == (True, 4)
    assert not (await rows(plant, one, limit=2))["cached"], "another question"
    await plant("PATCH", f"{plant.at}/{one['id']}", {"cache_duration": 0, "row_version": 1})
    fresh = await rows(plant, one)
    assert (fresh["cached"], fresh["rows"]) == (False, [])
    assert not (await rows(plant, one))["cached"]


async def test_only_a_connection_that_takes_sql_is_mapped(plant, monkeypatch, tmp_path):
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    made = await plant("POST", "/connections", {"name": "F", "connector": "local_files", "config": {"root": "."}}, 201)
    said = await plant("POST", f"/connections/{made['id']}/mappings", STATUS, 422)
    assert "takes no SQL" in said["message"]
