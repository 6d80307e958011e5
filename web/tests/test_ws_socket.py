"""The WebSocket: tickets, origins, channels."""

from __future__ import annotations

import asyncio
import json

import pytest
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace_web.realtime.outbox import Outbox, Overflow
from headrace_web.realtime.protocol import OUTBOX_MAX
from litestar.exceptions import WebSocketDisconnect

API = "/api/v1"


async def ticket_of(client, person) -> str:
    return (await client.post(f"{API}/ws-tickets", headers=person.headers)).json()["data"]["ticket"]


class Wire:
    """A WebSocket to the application in this event loop, where its database and Redis clients live."""

    def __init__(self, app, ticket: str | None, path: str, headers: dict[str, str]) -> None:
        offered = ", ".join(["headrace.v1", *([f"ticket.{ticket}"] if ticket is not None else [])])
        sent = {"host": "127.0.0.1:8080", "sec-websocket-protocol": offered, **headers}
        self._scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080), "subprotocols": offered.split(", "), "extensions": {},
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        self._app = app
        self._in: asyncio.Queue[dict] = asyncio.Queue()
        self._out: asyncio.Queue[dict] = asyncio.Queue()
        self.accepted = False

    async def __aenter__(self) -> Wire:
        self._task = asyncio.create_task(self._app(self._scope, self._in.get, self._out.put))
        self._in.put_nowait({"type": "websocket.connect"})
        first = await self._next()
        assert first["type"] == "websocket.accept"
        assert first["subprotocol"] == "headrace.v1"
        self.accepted = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self._task, 10)

    async def _next(self) -> dict:
        message = await asyncio.wait_for(self._out.get(), 10)
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(code=message["code"], detail=message.get("reason") or "")
        return message

    async def send_text(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    async def receive_text(self) -> str:
        return (await self._next())["text"]


def connect(client, ticket: str | None, path="/ws", **headers) -> Wire:
    return Wire(client.app, ticket, path, headers)


async def say(socket, **command):
    await socket.send_text(json.dumps(command))
    return json.loads(await socket.receive_text())


async def refused(client, ticket, **headers) -> int:
    wire = connect(client, ticket, **headers)
    with pytest.raises(WebSocketDisconnect) as told:
        await wire.__aenter__()
    assert not wire.accepted
    await wire._task
    return told.value.code


async def test_a_ticket_opens_one_socket(client, sign_up):
    owner = await sign_up()
    ticket = await ticket_of(client, owner)
    async with connect(client, ticket, path="/api/v1/ws", Origin="http://127.0.0.1:8080") as socket:
        assert (await say(socket, op="ping"))["op"] == "pong"
    assert await refused(client, ticket) == 4401
    assert await refused(client, None) == 4401
    assert await refused(client, "nonsense") == 4401


async def test_a_foreign_page_gets_no_socket_and_spends_no_ticket(client, sign_up):
    owner = await sign_up()
    ticket = await ticket_of(client, owner)
    for origin in ("http://evil.example", "null", "", "http://127.0.0.1:8080.evil.example"):
        assert await refused(client, ticket, Origin=origin) == 4403
    async with connect(client, ticket) as socket:
        assert (await say(socket, op="ping"))["op"] == "pong"


async def test_a_ticket_ends_with_its_sign_in(client, sign_up):
    owner = await sign_up()
    ticket = await ticket_of(client, owner)
    assert (await client.post(f"{API}/auth/logout", headers=owner.headers)).status_code == 200
    assert await refused(client, ticket) == 4401


async def test_channels_of_others_are_as_if_they_were_not(client, sign_up):
    victim, attacker = await sign_up(name="victim"), await sign_up(name="attacker")
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=victim.headers)
    flow = (await client.post(f"{API}/flows", json={"name": "F"}, headers=victim.headers)).json()["data"]["id"]
    async with connect(client, await ticket_of(client, attacker)) as socket:
        theirs = await say(socket, op="subscribe", channel=f"flow:{flow}")
        ghost = await say(socket, op="subscribe", channel="flow:01900000-0000-7000-8000-000000000000")
        assert theirs["op"] == ghost["op"] == "error"
        assert theirs["data"] == ghost["data"]
        for odd in ("*", "flow:*", "execution:?", f"{victim.organization_id}:flow:{flow}", "", "flow:" + flow.upper()):
            assert (await say(socket, op="subscribe", channel=odd))["op"] == "error", odd
    async with connect(client, await ticket_of(client, victim)) as socket:
        assert (await say(socket, op="subscribe", channel=f"flow:{flow}"))["op"] == "subscribed"
        assert (await say(socket, op="subscribe", channel=f"flow:{flow}"))["op"] == "error"
        message = Message(channel=f"flow:{flow}", type="execution_update", data={"status": "queued"}, timestamp=now())
        bus = client.app.state.services.bus
        while not bus._ids:
            await asyncio.sleep(0)
        await bus.publish(attacker.organization_id, message)
        await bus.publish(victim.organization_id, message)
        heard = json.loads(await socket.receive_text())
        assert (heard["op"], heard["type"], heard["data"]) == ("event", "execution_update", {"status": "queued"})
        assert (await say(socket, op="unsubscribe", channel=f"flow:{flow}"))["op"] == "unsubscribed"


@pytest.mark.parametrize("text", ["{", "[]", '{"op":"publish"}', '{"op":"ping","more":1}', "x" * 70_000])
async def test_what_is_no_command_ends_the_socket(client, sign_up, text):
    owner = await sign_up()
    with pytest.raises(WebSocketDisconnect) as told:
        async with connect(client, await ticket_of(client, owner)) as socket:
            await socket.send_text(text)
            await socket.receive_text()
    assert told.value.code == 4400


async def test_too_many_commands_end_the_socket(client, sign_up):
    owner = await sign_up()
    with pytest.raises(WebSocketDisconnect) as told:
        async with connect(client, await ticket_of(client, owner)) as socket:
            for _ in range(30):
                await socket.send_text('{"op":"ping"}')
            while True:
                await socket.receive_text()
    assert told.value.code == 4429


async def test_passing_states_replace_each_other_and_events_keep_their_order():
    outbox = Outbox()
    for number in range(5):
        outbox.put_event(
            "c", Message(channel="c", type="node_update", data={"node_id": "a", "rows_out": number}, timestamp=now())
        )
        outbox.put_event(
            "c", Message(channel="c", type="execution_update", data={"n": number}, timestamp=now(), seq=number)
        )
    found = await outbox.take()
    assert [one.seq for one in found if one.seq is not None] == [0, 1, 2, 3, 4]
    assert [one.data["rows_out"] for one in found if one.type == "node_update"] == [4]
    for _ in range(OUTBOX_MAX):
        outbox.put_event("c", Message(channel="c", type="log", data={}, timestamp=now()))
    with pytest.raises(Overflow):
        outbox.put_event("c", Message(channel="c", type="log", data={}, timestamp=now()))
