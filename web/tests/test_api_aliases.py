"""Each alias answers as the address it stands for: the same handler, the same guard, the same bytes."""

from __future__ import annotations

import pytest
from headrace_web.aliases import ALIASES, KINDS, canonical, rewritten

GHOST = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("alias", "means"),
    [
        ("/api/jobs/x/workflows", "/api/v1/jobs/x/flows"),
        ("/api/v1/jobs/x/workflows/y", "/api/v1/jobs/x/flows/y"),
        ("/api/connectors/x/test", "/api/v1/connections/x/test"),
        ("/api/v1/connectors/x", "/api/v1/connectors/x"),
        ("/api/v1/connections/workflows", "/api/v1/connections/workflows"),
        ("/api/workflowsx", "/api/workflowsx"),
        ("/api/v1/pipelines", "/api/v1/flows"),
        ("/api/v1/pipelines/x/run", "/api/v1/flows/x/execute"),
        ("/api/v1/pipelines/x/runs", "/api/v1/flows/x/executions"),
        ("/api/v1/process-monitoring/flows/x/versions/2", "/api/v1/flows/x/versions/2"),
        ("/api/v1/process-monitoring/flows/x/publish", "/api/v1/flows/x/shares"),
        ("/api/v1/process-monitoring/workspaces/x", "/api/v1/workspaces/x"),
        ("/api/v1/process-monitoring/data-sources/x/test", "/api/v1/connections/x/test"),
        ("/api/v1/process-monitoring", "/api/v1/process-monitoring"),
        ("/api/lineage/workflows/x/assets", "/api/v1/lineage/flows/x/assets"),
        (f"/api/workflows/{GHOST}:execute", f"/api/v1/flows/{GHOST}/execute"),
        ("/api/v1/flows/x:execute", "/api/v1/flows/x:execute"),
        ("/API/workflows", "/API/workflows"),
        ("/api", "/api"),
        ("/", "/"),
    ],
)
def test_an_alias_is_whole_parts_of_an_address(alias, means):
    assert canonical(alias) == means


def test_no_alias_hides_a_route_or_leads_to_another(client):
    routes = {route.path for route in client.app.routes}
    for alias, means in ALIASES.items():
        assert not any(path == alias or path.startswith(f"{alias}/") for path in routes), alias
        assert canonical(means) == means


async def test_every_alias_answers_as_what_it_stands_for(client, sign_up):
    owner, stranger = await sign_up(), await sign_up(name="stranger")
    seen = set()
    for alias, means in ALIASES.items():
        for tail in ("", f"/{GHOST}", "/me"):
            for headers in (owner.headers, stranger.headers, {}):
                answers = [await client.get(path + tail, headers=headers) for path in (alias, means)]
                told = [{**one.json(), "meta": None} for one in answers]
                for one in told:
                    (one.get("error") or {}).get("details", {}).pop("path", None)
                assert answers[0].status_code == answers[1].status_code, alias + tail
                assert told[0] == told[1], alias + tail
                seen.add(answers[0].status_code)
    assert seen >= {200, 401, 404}


async def test_creating_by_an_alias_needs_what_the_canonical_one_needs(client, sign_up):
    owner = await sign_up()
    viewer = await sign_up("viewer", owner.organization_id)
    body = {"name": "By alias"}
    assert (await client.post("/api/groups", json=body)).status_code == 401
    assert (await client.post("/api/groups", json=body, headers=viewer.headers)).status_code == 403
    made = await client.post("/api/groups", json=body, headers=owner.headers)
    assert made.status_code == 201
    found = await client.get(f"/api/v1/groups/{made.json()['data']['id']}", headers=owner.headers)
    assert found.json()["data"]["name"] == "By alias"


@pytest.mark.parametrize(("given", "becomes"), [
    (b"", b"kind=pipeline"), (b"q=a%26b", b"q=a%26b&kind=pipeline"),
    (b"kind=automation&page=2", b"page=2&kind=pipeline"),
])  # fmt: skip
def test_a_family_of_one_kind_lists_that_kind_whatever_is_asked(given, becomes):
    for path in ("/api/v1/pipelines", "/api/v1/pipelines/"):
        assert rewritten(path, given)[1] == becomes
    assert rewritten("/api/v1/pipelines/x", given)[1] == given
    assert rewritten("/api/v1/flows", given)[1] == given


@pytest.mark.parametrize(("family", "kind"), KINDS.items())
async def test_flows_of_a_kind_are_made_listed_and_executed_by_their_family(client, sign_up, family, kind):
    owner = await sign_up()

    async def ask(method, path, body=None):
        answer = await client.request(method, path, json=body, headers=owner.headers)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return answer.json()["data"]

    await ask("POST", "/api/v1/process-monitoring/workspaces", {"name": "W"})
    await ask("POST", "/api/v1/flows", {"name": "Other"})
    link = {"name": "Files", "connector": "local_files", "config": {"root": "."}}
    source = await ask("POST", "/api/v1/process-monitoring/data-sources", link)
    assert await ask("GET", f"/api/v1/connections/{source['id']}") == source
    node = {"id": "rows", "position": {"x": 0, "y": 0},
            "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}}  # fmt: skip
    body = {"name": "Mine", "status": "active", "definition": {"nodes": [node], "edges": []}}
    made = await ask("POST", family, body)
    assert made["kind"] == kind
    assert [row["id"] for row in await ask("GET", family)] == [made["id"]]
    assert await ask("GET", family) == await ask("GET", f"/api/v1/flows?kind={kind}")
    changed = await ask("PATCH", f"{family}/{made['id']}", {"name": "Yours", "row_version": made["row_version"]})
    assert changed == await ask("GET", f"/api/v1/flows/{made['id']}")
    await ask("POST", f"{family}/{made['id']}/versions", {})
    versions = await ask("GET", f"/api/v1/flows/{made['id']}/versions")
    assert await ask("GET", f"{family}/{made['id']}/versions") == versions
    started = await ask("POST", f"/api/v1/pipelines/{made['id']}/run", {})
    runs = await ask("GET", f"/api/v1/pipelines/{made['id']}/runs")
    assert [one["id"] for one in runs] == [started["id"]]
    assert [one["id"] for one in await ask("GET", f"/api/v1/flows/{made['id']}/executions")] == [started["id"]]
    again = await ask("POST", f"/api/v1/flows/{made['id']}:execute", {})
    assert again["id"] != started["id"]
    await ask("DELETE", f"{family}/{made['id']}")
    assert await ask("GET", family) == []
