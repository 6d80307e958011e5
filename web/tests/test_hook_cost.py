"""What a call of a webhook asks of the database: each statement is a round trip that the caller waits for."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine import Engine

API = "/api/v1"
HOOK = {"nodeType": "triggers.manual", "config": {"sample": [{"id": 1}]}}
CANVAS = {"nodes": [{"id": "hook", "position": {"x": 0, "y": 0}, "data": HOOK}], "edges": []}
MOST = 14
"""Two to find it, one to be its organization's, then trigger, call, flow, plan, execution, segments, bell, the outbox
as no worker lives here, and the trigger again; with a savepoint."""


async def test_a_call_takes_few_statements(client, sign_up):
    person = await sign_up()

    async def make(path, body):
        answer = await client.post(API + path, json=body, headers=person.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    await make("/workspaces", {"name": "W"})
    flow = await make("/flows", {"name": "F", "status": "active", "definition": CANVAS})
    made = await make("/webhooks", {"flow_id": flow["id"], "authentication": "none"})
    place = "/hooks/" + made["url"].partition("/hooks/")[2]
    for _ in range(2):
        assert (await client.post(place, json=[{"id": 1}])).status_code == 202
    asked: list[str] = []

    def note(connection, cursor, statement, *_):
        asked.append(" ".join(statement.split())[:80])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert (await client.post(place, json=[{"id": 1}])).status_code == 202
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) == MOST, "\n".join(asked)
