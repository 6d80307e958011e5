"""Each alias answers as the address it stands for: the same handler, the same guard, the same bytes."""

from __future__ import annotations

import pytest
from headrace_web.aliases import ALIASES, canonical

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
