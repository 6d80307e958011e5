"""Each alias answers as the address it stands for: the same handler, the same guard, the same bytes."""

from __future__ import annotations

import pytest
from headrace_web import alias_words
from headrace_web.aliases import ALIASES, KINDS, canonical, rewritten

OLD = {old for names in alias_words.FIELDS.values() for several in names.values() for old in several} | {
    "subscription_id", "soft_deleted", "d_flag", "is_active",
} - {"workspace_id"}  # fmt: skip
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
                told[1] = alias_words.told(
                    told[1], alias_words.kind_of(means + tail), upper="process-monitoring" in alias,
                    workflow="workflows" in alias,
                )  # fmt: skip
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
    own = await ask("GET", f"/api/v1/connections/{source['id']}")
    assert as_ours(source) == as_ours(own)
    assert source["connector_type"] == own["connector"]
    node = {"id": "rows", "position": {"x": 0, "y": 0},
            "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}}  # fmt: skip
    body = {"name": "Mine", "status": "active", "definition": {"nodes": [node], "edges": []}}
    made = await ask("POST", family, body)
    assert made["kind"].lower() == kind
    assert [row["id"] for row in await ask("GET", family)] == [made["id"]]
    assert as_ours(await ask("GET", family)) == as_ours(await ask("GET", f"/api/v1/flows?kind={kind}"))
    changed = await ask("PATCH", f"{family}/{made['id']}", {"name": "Yours", "row_version": made["row_version"]})
    assert as_ours(changed) == as_ours(await ask("GET", f"/api/v1/flows/{made['id']}"))
    await ask("POST", f"{family}/{made['id']}/versions", {})
    versions = await ask("GET", f"/api/v1/flows/{made['id']}/versions")
    assert as_ours(await ask("GET", f"{family}/{made['id']}/versions")) == as_ours(versions)
    started = await ask("POST", f"/api/v1/pipelines/{made['id']}/run", {})
    runs = await ask("GET", f"/api/v1/pipelines/{made['id']}/runs")
    assert [one["id"] for one in runs] == [started["id"]]
    assert [one["id"] for one in await ask("GET", f"/api/v1/flows/{made['id']}/executions")] == [started["id"]]
    again = await ask("POST", f"/api/v1/flows/{made['id']}:execute", {})
    assert again["id"] != started["id"]
    await ask("DELETE", f"{family}/{made['id']}")
    assert await ask("GET", family) == []


def as_ours(data):
    """An answer without what an alias has added, its words in lower case."""
    if isinstance(data, list):
        return [as_ours(one) for one in data]
    kept = {name: value for name, value in data.items() if name not in OLD}
    return {name: value.lower() if name in alias_words._WORDS and isinstance(value, str) else value
            for name, value in kept.items()}  # fmt: skip


async def test_old_names_go_in_and_come_out(client, sign_up):
    """A client of old times sends and reads its own words; what is stored has ours."""
    owner = await sign_up()
    await client.post("/api/v1/workspaces", json={"name": "W"}, headers=owner.headers)
    h = owner.headers
    body = {"workflow_name": "Old", "workflow_diagram": {"nodes": [], "edges": []}, "is_active": True}
    made = await client.post("/api/workflows", json=body, headers=h)
    assert made.status_code == 201, made.text
    old = made.json()["data"]
    assert (old["workflow_id"], old["workflow_name"], old["is_active"]) == (old["id"], "Old", True)
    ours = (await client.get(f"/api/v1/flows/{old['id']}", headers=h)).json()["data"]
    assert (ours["name"], ours["status"], "workflow_name" in ours) == ("Old", "active", False)
    off = {"is_active": False, "row_version": ours["row_version"]}
    changed = await client.patch(f"/api/workflows/{old['id']}", json=off, headers=h)
    assert changed.json()["data"]["status"] == "inactive", changed.text
    both = {"workflow_name": "Lost", "name": "Kept", "row_version": changed.json()["data"]["row_version"]}
    kept = await client.patch(f"/api/workflows/{old['id']}", json=both, headers=h)
    assert kept.json()["data"]["name"] == "Kept", "our name wins"
    link = {"config_name": "Files", "connection_type": "local_files", "connection_config": {"root": "."}}
    link = await client.post("/api/connectors", json=link, headers=h)
    assert link.status_code == 201, link.text
    assert link.json()["data"]["connector_id"] == link.json()["data"]["id"]
    missing = await client.get(f"/api/workflows/{GHOST}", headers=h)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "WORKFLOW_NOT_FOUND")
    missing = await client.get(f"/api/v1/flows/{GHOST}", headers=h)
    assert missing.json()["error"]["code"] == "FLOW_NOT_FOUND"
    unknown = await client.post("/api/workflows", json={"workflow_nam": "x"}, headers=h)
    assert unknown.status_code == 422, "what nobody knows is refused as ever"
    for broken in (b"{", b"", b"[1]", b'"x"'):
        answer = await client.post("/api/workflows", content=broken, headers={**h, "Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, broken


async def test_process_monitoring_speaks_in_upper_case(client, sign_up):
    owner = await sign_up()
    await client.post("/api/v1/workspaces", json={"name": "W"}, headers=owner.headers)
    body = {"name": "watched lower", "status": "ACTIVE"}
    made = await client.post("/api/v1/process-monitoring/flows", json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    told = made.json()["data"]
    assert (told["kind"], told["status"], told["name"]) == ("MONITORING", "ACTIVE", "watched lower")
    ours = (await client.get(f"/api/v1/flows/{told['id']}", headers=owner.headers)).json()["data"]
    assert (ours["kind"], ours["status"]) == ("monitoring", "active")


async def test_words_are_taken_in_any_case_and_states_by_old_names(client, sign_up):
    owner = await sign_up()
    await client.post("/api/v1/workspaces", json={"name": "W"}, headers=owner.headers)
    h = owner.headers
    link = {"name": "Files", "connector": "local_files", "config": {"root": "."}}
    await client.post("/api/v1/connections", json=link, headers=h)
    node = {"id": "rows", "position": {"x": 0, "y": 0},
            "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}}  # fmt: skip
    body = {"name": "F", "kind": "Pipeline", "definition": {"nodes": [node], "edges": []}}
    flow = (await client.post("/api/v1/flows", json=body, headers=h)).json()["data"]
    assert flow["kind"] == "pipeline"
    found = await client.get("/api/v1/flows?kind=PIPELINE&status=Draft", headers=h)
    assert [one["id"] for one in found.json()["data"]] == [flow["id"]]
    started = await client.post(f"/api/v1/flows/{flow['id']}/execute", json={"observe": "ALL"}, headers=h)
    assert started.status_code == 202, started.text
    for state in ("pending", "QUEUED", "queued"):
        found = await client.get(f"/api/v1/executions?status={state}", headers=h)
        assert [one["flow_id"] for one in found.json()["data"]] == [flow["id"]], state
    for word in ("unknown", "canceled!", ""):
        assert (await client.get(f"/api/v1/executions?status={word}", headers=h)).status_code == 422, word
    me = (await client.get("/api/v1/auth/me", headers=h)).json()["data"]["user"]["id"]
    grant = {"object_type": "FLOW", "object_id": flow["id"], "user_id": me, "level": "View"}
    given = await client.post("/api/v1/permissions", json=grant, headers=h)
    assert (given.status_code, given.json()["data"]["level"]) == (201, "view"), given.text


async def test_roles_and_permissions_have_their_old_names(client, sign_up):
    owner = await sign_up()
    await client.post("/api/v1/workspaces", json={"name": "W"}, headers=owner.headers)
    h = owner.headers
    for number, (name, role) in enumerate({
        "subscription owner": "owner", "Admin": "admin", "developer": "editor", "write": "editor",
        "read-write": "editor", "member": "operator", "execute": "operator", "user": "viewer", "READ": "viewer",
    }.items()):  # fmt: skip
        body = {"email": f"p{number}@example.org", "role": name}
        made = await client.post("/api/v1/invitations", json=body, headers=h)
        assert (made.status_code, made.json()["data"]["role"]) == (201, role), name
    refused = await client.post("/api/v1/invitations", json={"email": "x@example.org", "role": "king"}, headers=h)
    assert refused.status_code == 422
    role = {"name": "Old hand", "permissions": ["write_flow", "manage_data_sources", "pipeline:run"]}
    made = await client.post("/api/v1/roles", json=role, headers=h)
    assert made.json()["data"]["permissions"] == [
        "connection:create", "connection:delete", "connection:test", "connection:update", "flow:create",
        "flow:execute", "flow:update",
    ]  # fmt: skip
    key = await client.post("/api/v1/api-keys", json={"name": "K", "permissions": ["read_flow"]}, headers=h)
    assert key.json()["data"]["details"]["permissions"] == ["flow:read"]
    editor = await sign_up("editor", owner.organization_id)
    flow = (await client.post("/api/v1/flows", json={"name": "F"}, headers=h)).json()["data"]["id"]
    for permission, allowed in (("write_flow", True), ("delete_flow", False), ("can_publish", False)):
        query = f"permission={permission}&object_type=flow&object_id={flow}"
        answer = await client.get(f"/api/permissions/check?{query}", headers=editor.headers)
        assert answer.json()["data"]["allowed"] is allowed, permission
