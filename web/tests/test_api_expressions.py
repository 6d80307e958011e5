"""Expressions are tried over the API: on pinned rows, on variables of the flow, and only by who may read the flow."""

from __future__ import annotations

import pytest

API = "/api/v1"
READ = {"id": "read", "position": {"x": 0, "y": 0}, "data": {"nodeType": "transform.union", "config": {}}}
TRY = "expressions/try"


@pytest.fixture
async def site(client, sign_up):
    owner = await sign_up()

    async def ask(method, path, status=200, body=None, who=owner):
        answer = await client.request(method, API + path, json=body, headers=who.headers)
        assert answer.status_code == status, answer.text
        return answer.json().get("data")

    await ask("POST", "/workspaces", 201, {"name": "W"})
    body = {"name": "F", "definition": {"nodes": [READ], "edges": []}, "variables": {"day": "Monday"}}
    flow = (await ask("POST", "/flows", 201, body))["id"]
    return ask, f"/flows/{flow}"


async def test_it_is_worked_out_for_the_first_pinned_row(site):
    ask, flow = site
    asked = {"text": "x * 2", "node_id": "read", "port": "out"}
    before = await ask("POST", f"{flow}/{TRY}", body=asked)
    assert (before["value"], before["rows"], before["problem"]) == (None, 0, ""), "no rows yet"
    await ask("PUT", f"{flow}/nodes/read/pin", body={"rows": [{"x": 21}, {"x": 1}]})
    tried = await ask("POST", f"{flow}/{TRY}", body=asked)
    assert (tried["value"], tried["rows"], tried["type"]) == (42, 1, "integer")
    wrong = await ask("POST", f"{flow}/{TRY}", body={**asked, "text": "y"})
    assert "'y', which is not there" in wrong["problem"]
    assert wrong["position"] == 1


async def test_texts_see_the_variables_of_the_flow(site):
    ask, flow = site
    tried = await ask("POST", f"{flow}/{TRY}", body={"text": "On {{ params.day }}", "language": "text"})
    assert tried["value"] == "On Monday"


async def test_texts_see_the_rows_of_steps_by_name(site):
    ask, flow = site
    await ask("PUT", f"{flow}/nodes/read/pin", body={"rows": [{"x": 21}, {"x": 1}]})
    asked = {"text": "{{ nodes.read.row.x }} of {{ nodes.read.count }}", "language": "text"}
    assert (await ask("POST", f"{flow}/{TRY}", body=asked))["value"] == "21 of 2"
    wrong = await ask("POST", f"{flow}/{TRY}", body={**asked, "text": "{{ nodes.read.row.y }}"})
    assert "not there: 'y'; known in nodes.read.row are x" in wrong["problem"]


async def test_it_belongs_to_the_flow_and_has_bounds(site, sign_up):
    ask, flow = site
    stranger = await sign_up(name="stranger")
    await ask("POST", f"{flow}/{TRY}", 404, {"text": "1"}, who=stranger)
    await ask("POST", f"{flow}/{TRY}", 422, {"text": "1", "language": "python"})
    await ask("POST", f"{flow}/{TRY}", 422, {"text": "x" * 20_001})
