"""Retry, many at once, side by side, pins and previews over the API; workers are the business of core's tests."""

from __future__ import annotations

import msgspec
import pytest
from headrace.infra.frame_pages import cell
from headrace_web.frames import bounded

API = "/api/v1"
NODES = [
    {"id": "rows", "position": {"x": 0, "y": 0},
     "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
    {"id": "few", "position": {"x": 0, "y": 0}, "data": {"nodeType": "transform.limit", "config": {"rows": 2}}},
]  # fmt: skip
CANVAS = {"nodes": NODES, "edges": [{"id": "e", "source": "rows", "target": "few"}]}


class Site:
    def __init__(self, client, person):
        self.client, self.h = client, person.headers

    async def ask(self, method, path, status, body=None):
        answer = await self.client.request(method, API + path, json=body, headers=self.h)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path, body=None, status=202):
        found = await self.ask("POST", path, status, body or {})
        return found.get("data", found.get("error"))

    async def get(self, path):
        return (await self.ask("GET", path, 200))["data"]


@pytest.fixture
async def site(client, sign_up):
    made = Site(client, await sign_up())
    await made.post("/workspaces", {"name": "W"}, 201)
    await made.post("/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}}, 201)
    made.flow = (await made.post("/flows", {"name": "F", "definition": CANVAS}, 201))["id"]
    return made


async def ended(site) -> str:
    execution = (await site.post(f"/flows/{site.flow}/execute"))["id"]
    assert (await site.post(f"/executions/{execution}/cancel"))["status"] == "cancelled"
    return execution


async def test_a_retry_is_a_new_execution_that_knows_the_first(site):
    first = await ended(site)
    assert (await site.get(f"/flows/{site.flow}"))["last_execution_at"] is not None
    again = await site.post(f"/executions/{first}/retry", {"from": "failed"})
    assert (again["status"], again["attempt"], again["parent_execution_id"]) == ("queued", 2, first)
    row = await site.get(f"/executions/{again['id']}")
    assert row["trigger_type"] == "retry"
    assert row["execution_details"]["retry"] == {"from": "failed", "version": "same", "node_ids": []}
    assert "still queued" in (await site.post(f"/executions/{again['id']}/retry", {}, 409))["message"]
    for body, status in (({"from": "node"}, 422), ({"from": "node", "node_ids": ["x"]}, 404), ({"version": 3}, 404),
                         ({"from": "middle"}, 422), ({"version": "old"}, 422)):  # fmt: skip
        await site.post(f"/executions/{first}/retry", body, status)
    version = (await site.post(f"/flows/{site.flow}/versions", {}, 201))["number"]
    on = await site.post(f"/executions/{first}/retry", {"from": "start", "version": version, "input": {"a": 1}})
    row = await site.get(f"/executions/{on['id']}")
    assert (row["version"], row["input_data"]) == (version, {"a": 1})


async def test_many_at_once_are_answered_each_for_itself(site):
    first, ghost = await ended(site), "01900000-0000-7000-8000-000000000000"
    open_ = (await site.post(f"/flows/{site.flow}/execute"))["id"]
    found = {one["id"]: one for one in await site.post("/executions/bulk/retry", {"ids": [first, ghost, open_]})}
    assert (found[first]["success"], found[ghost]["error"]["code"]) == (True, "NOT_FOUND")
    assert "still queued" in found[open_]["error"]["message"]
    assert (await site.get(f"/executions/{found[first]['execution_id']}"))["attempt"] == 2
    done = {one["id"]: one for one in await site.post("/executions/bulk/cancel", {"ids": [open_, first, ghost]})}
    assert [done[id_]["success"] for id_ in (open_, first, ghost)] == [True, True, False]
    assert (await site.get(f"/executions/{open_}"))["status"] == "cancelled"
    await site.post("/executions/bulk/cancel", {"ids": []}, 422)


async def test_two_executions_side_by_side(site):
    a = await ended(site)
    changed = [NODES[0], {**NODES[1], "data": {**NODES[1]["data"], "config": {"rows": 9}}}]
    version = (await site.get(f"/flows/{site.flow}/data"))["row_version"]
    await site.ask("PUT", f"/flows/{site.flow}/data", 200, {**CANVAS, "nodes": changed, "row_version": version})
    b = await ended(site)
    found = await site.get(f"/executions/{a}/compare/{b}")
    assert found["definition_changed"]
    assert {one["node_id"]: one["config_changed"] for one in found["nodes"]} == {"rows": False, "few": True}
    assert {one["a"]["status"] for one in found["nodes"]} == {"cancelled"}
    other = (await site.post("/flows", {"name": "G", "definition": CANVAS}, 201))["id"]
    c = (await site.post(f"/flows/{other}/execute"))["id"]
    await site.ask("GET", f"/executions/{a}/compare/{c}", 422)


async def test_pins_are_kept_shown_and_previewed(site):
    pin, preview = f"/flows/{site.flow}/nodes/rows/pin", f"/flows/{site.flow}/nodes/rows/preview"
    await site.ask("GET", preview, 404)
    rows = [{"id": 1, "name": "Ä"}, {"id": 2, "name": None}, {"id": 2, "name": "b"}]
    made = (await site.ask("PUT", pin, 200, {"rows": rows}))["data"]
    assert (made["rows"], made["ports"], made["node_id"]) == (3, ["out"], "rows")
    canvas = await site.ask("GET", f"/flows/{site.flow}/data", 200)
    assert canvas["meta"]["pins"]["rows"]["rows"] == 3
    assert "pins" not in canvas["data"]
    page = await site.get(preview + "?limit=2")
    assert (page["rows"], page["total_rows"], page["truncated"]) == ([[1, "Ä"], [2, None]], 3, True)
    assert [one["name"] for one in page["schema"]] == ["id", "name"]
    assert page["profile"]["id"] == {"null_count": 0, "distinct_count": 2, "min": 1, "max": 2}
    assert page["profile"]["name"] == {"null_count": 1, "distinct_count": 3, "min": "b", "max": "Ä"}
    assert page["pinned"]
    await site.ask("GET", preview + "?use_pins=false", 404)
    for body in ({}, {"rows": []}, {"rows": [1]}, {"rows": rows, "port": "nowhere"}, {"rows": [{"a": 1}] * 10_001},
                 {"rows": [{"a": "x" * 6_000_000}]}):  # fmt: skip
        await site.ask("PUT", pin, 422, body)
    await site.ask("PUT", pin, 404, {"from_last_execution": True})
    await site.ask("PUT", pin.replace("rows/pin", "ghost/pin"), 404, {"rows": rows})
    await site.ask("DELETE", pin, 200)
    await site.ask("DELETE", pin, 404)
    assert (await site.ask("GET", f"/flows/{site.flow}/data", 200))["meta"]["pins"] == {}


async def test_a_step_is_executed_over_given_rows_and_pins(site):
    path = f"/flows/{site.flow}/nodes/few/execute"
    assert "no stored output" in (await site.post(path, {"mode": "node"}, 422))["message"]
    given = await site.post(path, {"mode": "node", "input": [{"id": 1}], "row_limit": 5})
    row = await site.get(f"/executions/{given['id']}")
    assert (row["row_limit"], row["reuse"], row["trigger_type"]) == (5, True, "test")
    await site.ask("PUT", f"/flows/{site.flow}/nodes/rows/pin", 200, {"rows": [{"id": 1}]})
    pinned = await site.post(path, {"mode": "node"})
    assert (await site.get(f"/executions/{pinned['id']}"))["row_limit"] == 1_000
    assert [one["node_id"] for one in await site.get(f"/executions/{pinned['id']}/nodes")] == ["few"]
    assert "no stored output" in (await site.post(path, {"mode": "node", "use_pins": False}, 422))["message"]
    for wrong in ({"input": {"side": [{"a": 1}]}}, {"input": {"in": 3}}, {"row_limit": 0}):
        await site.post(path, {"mode": "node", **wrong}, 422)


async def test_a_step_that_writes_is_given_all_rows_unless_asked(site):
    write = {"connection": "Files", "stream": "b.csv", "mode": "overwrite"}
    nodes = [*NODES, {"id": "to", "position": {"x": 0, "y": 0},
                      "data": {"nodeType": "local_files.write", "config": write}}]  # fmt: skip
    edges = [*CANVAS["edges"], {"id": "f", "source": "few", "target": "to"}]
    version = (await site.get(f"/flows/{site.flow}/data"))["row_version"]
    await site.ask("PUT", f"/flows/{site.flow}/data", 200, {"nodes": nodes, "edges": edges, "row_version": version})
    limits = {}
    for name, body in (("all", {}), ("asked", {"row_limit": 7}), ("null", {"row_limit": None})):
        made = await site.post(f"/flows/{site.flow}/nodes/to/execute", body)
        limits[name] = (await site.get(f"/executions/{made['id']}"))["row_limit"]
    assert limits == {"all": None, "asked": 7, "null": None}
    made = await site.post(f"/flows/{site.flow}/nodes/few/execute", {})
    assert (await site.get(f"/executions/{made['id']}"))["row_limit"] == 1_000


@pytest.mark.parametrize("value", ["€" * 9_000, ["x" * 900] * 50, {"a": {"b": "y" * 20_000}}, list(range(5_000))])
def test_a_cell_has_10_kb_at_most(value):
    shown = cell(value)
    assert len(shown.encode() if isinstance(shown, str) else msgspec.json.encode(shown)) <= 10_000


@pytest.mark.parametrize(("rows", "columns"), [(1, 300), (300, 40), (2, 3_000)])
@pytest.mark.parametrize("text", ["ö" * 4_900, "\x01" * 9_000])
def test_a_page_has_1_mib_at_most(rows, columns, text):
    schema = [{"name": f"c{n}", "type": "text", "nullable": True} for n in range(columns)]
    page = bounded({"schema": schema, "rows": [[text] * columns for _ in range(rows)], "profile": None,
                    "total_rows": rows, "truncated": False})  # fmt: skip
    assert len(msgspec.json.encode(page)) <= 2**20
    assert page["truncated"]
    assert page["rows"]


async def test_a_version_is_executed_and_a_dry_run_keeps_nothing(site):
    number = (await site.post(f"/flows/{site.flow}/versions", {}, 201))["number"]
    version = (await site.get(f"/flows/{site.flow}/data"))["row_version"]
    broken = [NODES[0], {**NODES[1], "data": {"nodeType": "transform.nothing", "config": {}}}]
    await site.ask("PUT", f"/flows/{site.flow}/data", 200, {**CANVAS, "nodes": broken, "row_version": version})
    path = f"/flows/{site.flow}/execute"
    await site.post(path, {}, 422)
    made = await site.post(path, {"version": number})
    assert (await site.get(f"/executions/{made['id']}"))["version"] == number
    assert (await site.post(path, {"version": 9}, 404))["code"] == "VERSION_NOT_FOUND"
    await site.post(path, {"version": 0}, 422)

    before = (await site.ask("GET", "/executions", 200))["meta"]["pagination"]["total"]
    tried = await site.post(path, {"version": number, "dry_run": True}, 200)
    assert (tried["execution_id"], tried["status"], tried["held"], tried["effects"]) == (None, "dry_run", False, [])
    assert [node for one in tried["segments"] for node in one["node_ids"]] == ["rows", "few"]
    await site.post(path, {"dry_run": True}, 422)  # the refusal of the start itself
    assert (await site.ask("GET", "/executions", 200))["meta"]["pagination"]["total"] == before
    await site.post(f"/executions/{made['id']}/cancel")


async def test_a_dry_run_names_the_steps_that_change_something(site):
    write = {"connection": "Files", "stream": "b.csv", "mode": "overwrite"}
    nodes = [*NODES, {"id": "to", "position": {"x": 0, "y": 0},
                      "data": {"nodeType": "local_files.write", "config": write}}]  # fmt: skip
    edges = [*CANVAS["edges"], {"id": "f", "source": "few", "target": "to"}]
    flow = (await site.post("/flows", {"name": "G", "definition": {"nodes": nodes, "edges": edges}}, 201))["id"]
    tried = await site.post(f"/flows/{flow}/execute", {"dry_run": True}, 200)
    assert tried["effects"] == ["to"]
