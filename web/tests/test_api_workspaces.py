"""Workspaces, folders, flows and connections through the real application."""

from __future__ import annotations

import pytest

API = "/api/v1"


async def test_a_flow_from_workspace_to_export(client, sign_up):
    owner = await sign_up()
    h = owner.headers
    made = await client.post(f"{API}/workspaces", json={"name": "Main"}, headers=h)
    assert made.status_code == 201, made.text
    body = made.json()
    assert body["success"] is True
    assert body["meta"]["version"] == "v1"
    workspace = body["data"]
    folder = (await client.post(f"{API}/workspaces/{workspace['id']}/folders", json={"name": "In"}, headers=h)).json()[
        "data"
    ]
    flow = (
        await client.post(
            f"{API}/flows",
            json={"name": "Flights", "folder_id": folder["id"], "workspace_id": workspace["id"]},
            headers=h,
        )
    ).json()["data"]
    data = (await client.get(f"{API}/flows/{flow['id']}/data", headers=h)).json()["data"]
    assert data["nodes"] == []
    node = {
        "id": "a",
        "type": "step",
        "position": {"x": 0, "y": 0},
        "data": {"nodeType": "no.such", "config": {}},
        "mine": 1,
    }
    saved = await client.put(
        f"{API}/flows/{flow['id']}/data",
        json={"nodes": [node], "edges": [], "row_version": data["row_version"]},
        headers=h,
    )
    assert saved.status_code == 200, saved.text
    again = (await client.get(f"{API}/flows/{flow['id']}/data", headers=h)).json()["data"]
    assert again["nodes"] == [node]
    assert again["row_version"] == saved.json()["data"]["row_version"] > data["row_version"]
    checked = (await client.post(f"{API}/flows/{flow['id']}/validate", headers=h)).json()["data"]
    assert checked["valid"] is False
    assert checked["problems"][0]["node_id"] == "a"
    refused = await client.post(f"{API}/flows/{flow['id']}/execute", json={}, headers=h)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["problems"]
    version = await client.post(f"{API}/flows/{flow['id']}/versions", json={"name": "first"}, headers=h)
    assert version.json()["data"]["number"] == 1
    exported = await client.get(f"{API}/flows/{flow['id']}/export", headers=h)
    assert exported.text.startswith("headrace: 1\nname: Flights\n")
    imported = await client.post(f"{API}/flows/import", json={"text": exported.text, "name": "Copy"}, headers=h)
    assert imported.status_code == 201, imported.text
    listed = (await client.get(f"{API}/flows?sort=name&limit=1", headers=h)).json()
    assert [one["name"] for one in listed["data"]] == ["Copy"]
    assert listed["meta"]["pagination"] == {
        "page": 1, "per_page": 1, "total": 2, "total_pages": 2, "limit": 1, "offset": 0, "has_more": True,
    }  # fmt: skip


async def test_changes_need_their_base_version(client, sign_up):
    owner = await sign_up()
    h = owner.headers
    url = (
        f"{API}/workspaces/"
        + (await client.post(f"{API}/workspaces", json={"name": "A"}, headers=h)).json()["data"]["id"]
    )
    missing = await client.patch(url, json={"name": "B"}, headers=h)
    assert (missing.status_code, missing.json()["error"]["code"]) == (428, "PRECONDITION_REQUIRED")
    assert (await client.patch(url, json={"name": "B"}, headers={**h, "If-Match": '"1"'})).status_code == 200
    stale = await client.patch(url, json={"name": "C", "row_version": 1}, headers=h)
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "VERSION_CONFLICT")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "A", "organization_id": "x"}, 422, "VALIDATION_FAILED"),
        ({"name": 3}, 422, "VALIDATION_FAILED"),
        ({"name": ""}, 422, "VALIDATION_FAILED"),
        ({}, 422, "VALIDATION_FAILED"),
        ([], 422, "VALIDATION_FAILED"),
        (b"{", 400, "MALFORMED"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_path(client, sign_up, body, status, code):
    owner = await sign_up()
    content = body if isinstance(body, bytes) else None
    answer = await client.post(
        f"{API}/workspaces",
        json=None if content else body,
        content=content,
        headers={**owner.headers, "content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_errors_are_problem_details_for_those_who_ask(client):
    answer = await client.get(f"{API}/nowhere", headers={"Accept": "application/problem+json"})
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 404
    plain = await client.put("/health")
    assert (plain.status_code, plain.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_the_catalogue_answers(client, sign_up):
    owner = await sign_up()
    for path in (
        "node-types",
        "connectors",
        "plugins",
        "editions",
        "features/enabled",
        "members",
        "sessions",
        "auth/me",
    ):
        answer = await client.get(f"{API}/{path}", headers=owner.headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert answer.json()["data"], path
    types = (await client.get(f"{API}/node-types", headers=owner.headers)).json()["data"]
    assert {"id", "title", "schema", "inputs", "outputs", "plugin"} <= set(types[0])
    assert (await client.get(f"{API}/features/usage/flows", headers=owner.headers)).json()["data"]["used"] == 0


async def test_health_metrics_and_docs_need_nobody(client):
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready"), ready.text
    for path in ("/health", "/health/live", "/api/v1/health", "/schema/openapi.json", "/schema", "/metrics"):
        assert (await client.get(path)).status_code == 200, path
    page = (await client.get("/schema")).text
    assert "workspaces_create_workspace" in page
    assert "http://" not in page.replace(" ", "").partition("<pre>")[0]
    assert "<script" not in page
