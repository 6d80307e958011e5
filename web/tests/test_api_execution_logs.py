"""Log lines over the API: a page, a stream of events that goes on where it was cut, and the channel of a socket."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from headrace.executions import logs
from headrace.executions.leases import Lease
from headrace.infra.clock import now
from headrace.infra.ids import new_id

API = "/api/v1"
TRACE = "Traceback (most recent call last): /srv/node.py, line 3, in rows"
NODES = [
    {"id": "rows", "position": {"x": 0, "y": 0},
     "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
]  # fmt: skip


@pytest.fixture
async def owner(sign_up):
    return await sign_up()


@pytest.fixture
async def execution(client, owner, worker_database):
    """An execution that was cancelled after its two steps had written five lines."""

    async def post(path, body):
        answer = await client.post(API + path, json=body, headers=owner.headers)
        assert answer.status_code in {201, 202}, answer.text
        return answer.json()["data"]["id"]

    await post("/workspaces", {"name": "W"})
    await post("/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    flow = await post("/flows", {"name": "F", "definition": {"nodes": NODES, "edges": []}})
    found = await post(f"/flows/{flow}/execute", {})
    lease = Lease(organization_id=owner.organization_id, execution_id=UUID(found), segment_no=0, fence=1, attempt=1)
    levels = ("info", "warning", "error", "info", "debug")
    async with worker_database.transaction(owner.organization_id) as session:
        rows = [{"node_id": f"step{n % 2}", "level": level, "message": f"line\n{n}", "metadata": {"n": n},
                 "created_at": now()} for n, level in enumerate(levels)]  # fmt: skip
        rows[2]["metadata"]["detail"] = TRACE
        await logs.append(session, lease, rows)
    await client.post(f"{API}/executions/{found}/cancel", headers=owner.headers)
    return found


async def stream(client, owner, execution, query="", **headers):
    answer = await client.get(f"{API}/executions/{execution}/logs/stream{query}", headers={**owner.headers, **headers})
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    events = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append((fields["event"], int(fields.get("id", 0)), json.loads(fields["data"])))
    return events


async def test_the_stream_gives_every_line_once_and_its_end(client, owner, execution):
    page = (await client.get(f"{API}/executions/{execution}/logs", headers=owner.headers)).json()["data"]
    *lines, end = await stream(client, owner, execution)
    assert end == ("end", 0, {})
    assert [data for _, _, data in lines] == page
    assert [number for _, number, _ in lines] == [line["id"] for line in page]
    assert [line["message"] for line in page] == [f"line\n{n}" for n in range(5)]


async def test_the_stream_goes_on_where_it_was_cut_and_takes_what_is_wanted(client, owner, execution):
    *lines, _ = await stream(client, owner, execution)
    rest = await stream(client, owner, execution, "?after=0", **{"Last-Event-ID": str(lines[1][1])})
    assert rest[:-1] == lines[2:]
    assert (await stream(client, owner, execution, f"?after={lines[3][1]}"))[:-1] == lines[4:]
    wanted = await stream(client, owner, execution, "?level=warning&level=info&node_id=step1")
    assert [data["metadata"]["n"] for event, _, data in wanted if event == "log"] == [1, 3]
    assert len(await stream(client, owner, execution, "?q=LINE%0A4")) == 2


async def test_a_trace_is_for_those_who_may_change_the_flow(client, owner, execution, sign_up):
    asked = f"{API}/executions/{execution}/logs"
    page = (await client.get(asked, headers=owner.headers)).json()["data"]
    assert page[2]["metadata"] == {"n": 2, "detail": TRACE}
    assert [line["withheld"] for line in page] == [False] * 5
    for role in ("viewer", "operator"):
        reader = await sign_up(role, owner.organization_id)
        answer = await client.get(asked, headers=reader.headers)
        assert "Traceback" not in answer.text
        assert [line["withheld"] for line in answer.json()["data"]] == [False, False, True, False, False]
        assert answer.json()["data"][2]["metadata"] == {"n": 2}
        *lines, _ = await stream(client, reader, execution)
        assert [data for _, _, data in lines] == answer.json()["data"]
    editor = await sign_up("editor", owner.organization_id)
    assert (await client.get(asked, headers=editor.headers)).json()["data"] == page
    *lines, _ = await stream(client, editor, execution)
    assert [data for _, _, data in lines] == page


async def test_only_who_may_read_executions_gets_lines(client, owner, execution, sign_up):
    stranger = await sign_up(name="stranger")
    for path in ("logs", "logs/stream"):
        answer = await client.get(f"{API}/executions/{execution}/{path}", headers=stranger.headers)
        ghost = await client.get(f"{API}/executions/{new_id()}/{path}", headers=stranger.headers)
        assert answer.status_code == ghost.status_code == 404
        assert (await client.get(f"{API}/executions/{execution}/{path}")).status_code == 401
