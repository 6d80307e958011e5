"""Live events for who only listens: the channels of the socket, going on where it was cut, for who may hear them."""

from __future__ import annotations

import asyncio
import json

from headrace.infra.ids import new_id

API = "/api/v1"
NODES = [
    {"id": "rows", "position": {"x": 0, "y": 0},
     "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
]  # fmt: skip


async def made(client, owner, path, body):
    answer = await client.post(API + path, json=body, headers=owner.headers)
    assert answer.status_code in {201, 202}, answer.text
    return answer.json()["data"]["id"]


async def started(client, owner):
    await made(client, owner, "/workspaces", {"name": "W"})
    await made(client, owner, "/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    flow = await made(client, owner, "/flows", {"name": "F", "definition": {"nodes": NODES, "edges": []}})
    return flow, await made(client, owner, f"/flows/{flow}/execute", {})


async def heard(client, owner, query, **headers):
    answer = await client.get(f"{API}/events?{query}", headers={**owner.headers, **headers})
    assert answer.status_code == 200, answer.text
    events = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], int(fields.get("id", 0)), json.loads(fields["data"])))
    return events


async def test_an_execution_is_followed_to_its_end_and_gone_on_with(client, sign_up):
    owner = await sign_up()
    _, execution = await started(client, owner)
    listening = asyncio.create_task(heard(client, owner, f"channel=execution:{execution}&after=0"))
    await asyncio.sleep(0.3)
    await client.post(f"{API}/executions/{execution}/cancel", headers=owner.headers)
    *events, end = await asyncio.wait_for(listening, 30)
    assert end == ("end", 0, {})
    numbers = [number for _, number, _ in events if number]
    assert numbers == list(range(1, len(numbers) + 1)), "without a gap, from the first"
    assert events[-1][2]["data"]["status"] == "cancelled"
    assert {one["channel"] for _, _, one in events} == {f"execution:{execution}"}
    rest = await heard(client, owner, f"channel=execution:{execution}", **{"Last-Event-ID": str(numbers[0])})
    assert [number for _, number, _ in rest if number] == numbers[1:]


async def test_what_nobody_may_hear_or_cannot_be_gone_on_with_is_refused(client, sign_up):
    owner, stranger = await sign_up(), await sign_up(name="stranger")
    flow, execution = await started(client, owner)
    for person, query, status in (
        (stranger, f"channel=execution:{execution}", 404),
        (stranger, f"channel=flow:{flow}", 404),
        (owner, f"channel=execution:{new_id()}", 404),
        (owner, "channel=everything", 404),
        (owner, "", 422),
        (owner, f"channel=flow:{flow}&after=1", 422),
        (owner, f"channel=execution:{execution}&channel=flow:{flow}&after=1", 422),
    ):
        answer = await client.get(f"{API}/events?{query}", headers=person.headers)
        assert answer.status_code == status, (query, answer.text)
    assert (await client.get(f"{API}/events?channel=execution:{execution}")).status_code == 401
    await client.post(f"{API}/executions/{execution}/cancel", headers=owner.headers)
