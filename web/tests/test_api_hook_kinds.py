"""Webhooks that ask for headers, and have a kind of event."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

API = "/api/v1"
CANVAS = {"nodes": [{"id": "hook", "position": {"x": 0, "y": 0}, "data": {"nodeType": "triggers.manual"}}], "edges": []}


class Site:
    """A flow and its webhooks, which let everybody in."""

    def __init__(self, client, person, database):
        self.client, self.person, self.database, self.flow_id = client, person, database, ""

    async def ask(self, method, path, body=None, status=200):
        answer = await self.client.request(method, API + path, json=body, headers=self.person.headers)
        assert answer.status_code == status, answer.text
        return answer.json()["data"] if answer.is_success else answer.json()

    async def hook(self, status=201, **body):
        made = await self.ask("POST", "/webhooks", {"flow_id": self.flow_id, "authentication": "none", **body}, status)
        return made, "/hooks/" + made.get("url", "").rpartition("/hooks/")[2]

    async def call(self, place, **headers):
        return await self.client.post(place, json={}, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def rows(self, query):
        async with self.database.transaction(self.person.organization_id) as session:
            return list((await session.execute(sa.text(query))).all())


@pytest.fixture
async def site(client, sign_up, database):
    made = Site(client, await sign_up(), database)
    await made.ask("POST", "/workspaces", {"name": "W"}, 201)
    body = {"name": "F", "status": "active", "definition": CANVAS}
    made.flow_id = (await made.ask("POST", "/flows", body, 201))["id"]
    return made


async def test_headers_that_a_call_has_to_carry(site):
    _, place = await site.hook(headers={"X-Event": "order", "X-Shop": ""})
    missing = await site.call(place, x_shop="7")
    assert (missing.status_code, missing.json()["error"]["message"]) == (
        422, "the header 'X-Event' is missing; this webhook takes calls that carry it",
    )  # fmt: skip
    wrong = await site.call(place, x_event="refund", x_shop="7")
    assert wrong.json()["error"]["message"] == "the header 'X-Event' does not have the value that this webhook asks for"
    assert (await site.call(place, x_event="order")).status_code == 422
    assert (await site.call(place, x_event="order", x_shop="7")).status_code == 202
    assert len(await site.rows("select 1 from executions")) == 1
    bad, _ = await site.hook(422, headers={"X Event": ""})
    assert bad["error"]["message"] == "'X Event' is no name of a header; write one like X-Event"


async def test_the_kind_of_event_is_shown_found_and_given_to_the_flow(site):
    made, place = await site.hook(event_type="order.created", headers={"X-A": "1", "X-B": "2"})
    await site.hook()
    assert (made["event_type"], made["url"].partition("://")[0]) == ("order.created", "http")
    assert [one["id"] for one in await site.ask("GET", "/webhooks?event_type=order.created")] == [made["id"]]
    assert await site.ask("GET", "/webhooks?event_type=order") == []
    assert (await site.call(place, x_a="1", x_b="2")).status_code == 202
    ((given, params),) = await site.rows("select input_data, params from executions")
    assert (given["event_type"], params["event_type"]) == ("order.created", "order.created")
    change = {"event_type": "order.paid", "headers": {"X-A": None}, "row_version": made["row_version"]}
    patched = await site.ask("PATCH", f"/webhooks/{made['id']}", change)
    assert (patched["event_type"], patched["headers"]) == ("order.paid", {"X-B": "2"})
