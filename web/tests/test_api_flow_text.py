"""A flow's text, changed and put back into the same flow; when its steps were tried."""

from __future__ import annotations

import pytest

API = "/api/v1"
STEP = {"nodeType": "transform.limit", "label": "Few", "config": {"rows": 2}}
CANVAS = {"nodes": [{"id": "few", "position": {"x": 123, "y": 45}, "data": STEP}], "edges": []}


@pytest.fixture
async def site(client, sign_up):
    owner = await sign_up()

    async def ask(method, path, status=200, body=None, **headers):
        answer = await client.request(method, API + path, json=body, headers={**owner.headers, **headers})
        assert answer.status_code == status, answer.text
        return answer

    await ask("POST", "/workspaces", 201, {"name": "W"})
    flow = (await ask("POST", "/flows", 201, {"name": "F", "definition": CANVAS})).json()["data"]["id"]
    return ask, f"/flows/{flow}"


async def test_a_changed_text_changes_the_flow_and_keeps_its_layout(site):
    ask, flow = site
    text = (await ask("GET", f"{flow}/export")).text
    version = (await ask("GET", f"{flow}/data")).json()["data"]["row_version"]
    changed = text.replace("rows: 2", "rows: 3").replace("name: F", "name: G")
    tried = (await ask("PUT", f"{flow}/text", 200, {"text": changed, "dry_run": True})).json()["data"]
    assert tried["row_version"] == version
    assert (await ask("GET", f"{flow}/export")).text == text, "a dry run changes nothing"
    await ask("PUT", f"{flow}/text", 428, {"text": changed})
    done = (await ask("PUT", f"{flow}/text", 200, {"text": changed}, **{"If-Match": f'"{version}"'})).json()["data"]
    assert done["row_version"] > version
    node = (await ask("GET", f"{flow}/data")).json()["data"]["nodes"][0]
    assert (node["data"]["config"], node["position"]) == ({"rows": 3}, {"x": 123, "y": 45})
    assert (await ask("GET", flow)).json()["data"]["name"] == "G"
    assert (await ask("GET", f"{flow}/export")).text == changed
    await ask("PUT", f"{flow}/text", 412, {"text": text, "row_version": version})


async def test_a_wrong_text_is_refused_with_its_line_and_a_wrong_flow_with_its_problems(site):
    ask, flow = site
    wrong = (await ask("PUT", f"{flow}/text", 422, {"text": "headrace: 1\nname: [", "dry_run": True})).json()["error"]
    assert "line" in wrong["message"]
    text = "headrace: 1\nname: F\nnodes:\n- id: x\n  type: nothing.like_it\n"
    tried = (await ask("PUT", f"{flow}/text", 200, {"text": text, "dry_run": True})).json()["data"]
    assert [(one["node_id"], one["severity"]) for one in tried["problems"]] == [("x", "error")]
    kind = text.replace("name: F", "name: F\nkind: pipeline")
    await ask("PUT", f"{flow}/text", 422, {"text": kind, "row_version": 1})


async def test_an_execution_that_nobody_has_worked_on_has_no_attempts_and_no_profile(site):
    ask, flow = site
    later = {**CANVAS["nodes"][0], "data": {"nodeType": "control.wait", "config": {"seconds": 60}}}
    await ask("PUT", f"{flow}/data", 200, {"nodes": [later], "edges": [], "row_version": 1})
    ran = (await ask("POST", f"{flow}/execute", 202, {})).json()["data"]["id"]
    assert (await ask("GET", f"/executions/{ran}/attempts")).json()["data"] == []
    await ask("GET", f"/executions/{ran}/nodes/few/profile", 404)
