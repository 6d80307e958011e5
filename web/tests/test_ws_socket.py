"""The WebSocket: tickets, origins, channels."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import sqlalchemy as sa
from headrace.accounts import sockets
from headrace.executions import logs
from headrace.executions.leases import Lease
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.plugins.follow import Follower
from headrace_web.realtime import protocol
from headrace_web.testing_socket import Wire, connect, say, ticket_of
from litestar.exceptions import WebSocketDisconnect

API = "/api/v1"


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


async def test_who_has_a_flow_open_is_told_to_the_others(client, sign_up):
    owner, stranger = await sign_up(name="owner"), await sign_up(name="stranger")
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    flow = (await client.post(f"{API}/flows", json={"name": "F"}, headers=owner.headers)).json()["data"]["id"]
    room = f"presence:{flow}"
    async with connect(client, await ticket_of(client, stranger)) as socket:
        assert (await say(socket, op="subscribe", channel=room))["op"] == "error"
    async with connect(client, await ticket_of(client, owner)) as first:
        assert (await say(first, op="subscribe", channel=room))["op"] == "subscribed"
        while f"headrace:bus:{owner.organization_id}:{room}" not in client.app.state.services.bus._ids:
            await asyncio.sleep(0.01)
        async with connect(client, await ticket_of(client, owner)) as second:
            assert (await say(second, op="subscribe", channel=room))["op"] == "subscribed"
            came, here = json.loads(await first.receive_text()), json.loads(await second.receive_text())
        went = json.loads(await first.receive_text())
    assert [one["data"]["state"] for one in (came, here, went)] == ["came", "here", "went"]
    assert came["data"]["id"] == went["data"]["id"] != here["data"]["id"]
    assert came["data"]["name"]


async def test_log_lines_come_in_pages_that_can_be_resumed(client, sign_up, database):
    owner = await sign_up()
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    flow = (await client.post(f"{API}/flows", json={"name": "F"}, headers=owner.headers)).json()["data"]["id"]
    lease = Lease(organization_id=owner.organization_id, execution_id=new_id(), segment_no=0, fence=1)
    lines = [{"node_id": "", "level": "info", "message": str(n), "metadata": {}, "created_at": now()} for n in range(5)]
    async with database.transaction(owner.organization_id) as session:
        await session.execute(
            sa.text("insert into executions (organization_id, id, flow_id, definition_hash, segments_total,"
                    " segments_open) values (:organization_id, :execution_id, :flow_id, '', 1, 1)"),
            {**lease.execution, "flow_id": flow},
        )  # fmt: skip
        await logs.append(session, lease, lines)
    async with connect(client, await ticket_of(client, owner)) as socket:
        told = await say(socket, op="subscribe", channel=f"logs:{lease.execution_id}", after=0)
        assert (told["op"], told["seq"] > 0) == ("subscribed", True)
        page = json.loads(await socket.receive_text())
        assert (page["type"], page["seq"]) == ("logs", told["seq"])
        shown = page["data"]["lines"]
        assert [line["message"] for line in shown] == ["0", "1", "2", "3", "4"]
    async with connect(client, await ticket_of(client, owner)) as socket:
        await say(socket, op="subscribe", channel=f"logs:{lease.execution_id}", after=shown[2]["id"])
        assert [line["id"] for line in json.loads(await socket.receive_text())["data"]["lines"]] == [
            shown[3]["id"], shown[4]["id"],
        ]  # fmt: skip


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


async def test_a_ticket_is_short_lived(client, sign_up):
    owner = await sign_up()
    ticket = await ticket_of(client, owner)
    redis = client.app.state.services.redis
    (key,) = [key async for key in redis.scan_iter("headrace:ws-ticket:*")]
    assert ticket.encode() not in key
    assert 0 < await redis.ttl(key) <= 30
    await redis.pexpire(key, 1)
    while await redis.exists(key):
        await asyncio.sleep(0.001)
    assert await refused(client, ticket) == 4401


@pytest.mark.parametrize(("change", "code"), [({"role": "viewer"}, 4403), ({"is_active": False}, 4401)])
async def test_rights_that_change_end_the_socket(client, sign_up, monkeypatch, change, code):
    from headrace_web.realtime import protocol

    monkeypatch.setattr(protocol, "RECHECK_S", 0.02)
    owner = await sign_up()
    editor = await sign_up("editor", owner.organization_id)
    members = (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]
    id_, version = next((one["id"], one["row_version"]) for one in members if one["email"] == editor.email)
    with pytest.raises(WebSocketDisconnect) as told:
        async with connect(client, await ticket_of(client, editor)) as socket:
            assert (await say(socket, op="ping"))["op"] == "pong"
            body = {**change, "row_version": version}
            changed = await client.patch(f"{API}/members/{id_}", json=body, headers=owner.headers)
            assert changed.status_code == 200, changed.text
            await socket.receive_text()
    assert told.value.code == code


async def test_a_socket_has_bounded_subscriptions(client, sign_up, monkeypatch):
    from headrace_web.realtime import protocol

    monkeypatch.setattr(protocol, "SUBSCRIPTIONS_MAX", 1)
    owner = await sign_up()
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    ids = [
        (await client.post(f"{API}/flows", json={"name": name}, headers=owner.headers)).json()["data"]["id"]
        for name in "ab"
    ]
    async with connect(client, await ticket_of(client, owner)) as socket:
        assert (await say(socket, op="subscribe", channel=f"flow:{ids[0]}"))["op"] == "subscribed"
        more = await say(socket, op="subscribe", channel=f"flow:{ids[1]}")
        assert (more["op"], more["data"]["code"]) == ("error", "LIMIT_REACHED")


async def test_who_loses_a_grant_hears_nothing_more(client, sign_up, database, monkeypatch):
    monkeypatch.setattr(protocol, "RECHECK_S", 0.1)
    owner = await sign_up()
    guest = await sign_up("viewer", owner.organization_id, name="guest")

    async def made(path, body):
        return (await client.post(API + path, json=body, headers=owner.headers)).json()["data"]["id"]

    role = await made("/roles", {"name": "Guest", "permissions": []})
    await made("/workspaces", {"name": "W"})
    flows = [await made("/flows", {"name": name}) for name in ("A", "B")]
    user = (await client.get(f"{API}/auth/me", headers=guest.headers)).json()["data"]["user"]["id"]
    async with database.transaction(owner.organization_id) as session:
        weaken = sa.text("update memberships set role = :r where user_id = :u")
        await session.execute(weaken, {"r": role, "u": user})
    grant = {"object_type": "flow", "object_id": flows[0], "user_id": user, "level": "view"}
    given = await made("/permissions", grant)
    async with connect(client, await ticket_of(client, guest)) as socket:
        assert (await say(socket, op="subscribe", channel=f"flow:{flows[1]}"))["op"] == "error"
        assert (await say(socket, op="subscribe", channel=f"flow:{flows[0]}"))["op"] == "subscribed"
        await asyncio.sleep(0.3)
        assert (await say(socket, op="ping"))["op"] == "pong", "nothing ends while the grant is there"
        await client.delete(f"{API}/permissions/{given}", headers=owner.headers)
        lost = json.loads(await socket.receive_text())
        assert (lost["op"], lost["channel"]) == ("error", f"flow:{flows[0]}")
        assert (await say(socket, op="subscribe", channel=f"flow:{flows[0]}"))["op"] == "error"


async def test_open_pages_hear_at_once_what_admins_switch(client, sign_up, admin, headrace_settings, plugin_host):
    """Each process hears the database, and tells its own pages; whoever is signed in may listen."""
    viewer = await sign_up("viewer", admin.organization_id)
    services = client.app.state.services
    url = headrace_settings.database_url.reveal()
    follower = Follower(services.database, url, plugin_host, look_s=600, heard=services.hub.tell)
    async with connect(client, await ticket_of(client, viewer)) as socket:
        assert (await say(socket, op="subscribe", channel="system"))["op"] == "subscribed"
        following = asyncio.create_task(follower.serve())
        first = json.loads(await socket.receive_text())
        assert (first["channel"], first["data"]) == ("system", {"switched": ""}), "it has begun to listen"
        changed = await client.put(f"{API}/features/reports", json={"default_enabled": False}, headers=admin.headers)
        assert changed.status_code == 200
        async with asyncio.timeout(5):
            told = json.loads(await socket.receive_text())
        assert (told["op"], told["type"], told["data"]) == ("event", "system", {"switched": "entitlements"})
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_channels_are_heard_by_their_old_names(client, sign_up):
    owner, stranger = await sign_up(), await sign_up(name="stranger")
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    flow = (await client.post(f"{API}/flows", json={"name": "F"}, headers=owner.headers)).json()["data"]["id"]
    me = (await client.get(f"{API}/auth/me", headers=owner.headers)).json()["data"]["user"]["id"]
    names = [f"workflow:{flow}", f"workflow:{flow}:updates", f"updates:{flow}", "system:broadcast",
             f"user:{me}:notifications", f"subscription:{owner.organization_id}",
             f"subscription:{owner.organization_id}:activity"]  # fmt: skip
    async with connect(client, await ticket_of(client, owner)) as socket:
        for name in names:
            told = await say(socket, op="subscribe", channel=name)
            assert (told["op"], told["channel"]) == ("subscribed", name)
        changed = await client.patch(
            f"{API}/flows/{flow}", json={"name": "G"}, headers={**owner.headers, "If-Match": '"1"'}
        )  # fmt: skip
        assert changed.is_success, changed.text
        told = [json.loads(await socket.receive_text()) for _ in range(3)]
        assert {(one["channel"], one["type"], one["data"]["what"]) for one in told} == {
            (name, "workflow_update", "fields") for name in names[:3]
        }  # fmt: skip
        for name in (f"workflow:{flow}:x", f"updates:{flow}:updates", "subscription:x", f"workflow:{flow}\n"):
            assert (await say(socket, op="subscribe", channel=name))["op"] == "error", name
    async with connect(client, await ticket_of(client, stranger)) as socket:
        for name in (names[0], names[4], names[5]):
            told = await say(socket, op="subscribe", channel=name)
            assert (told["op"], told["data"]["code"]) == ("error", "NOT_FOUND"), "an old name opens nothing more"


class Stuck(Wire):
    """A client that reads nothing after its subscription: what is sent to it never goes out."""

    async def __aenter__(self) -> Stuck:
        put, self._room, self.held = self._out.put, 1, 0

        async def send(message: dict) -> None:
            if message["type"] == "websocket.send":
                self._room -= 1
                if self._room < 0:
                    self.held += 1
                    await asyncio.Event().wait()
            await put(message)

        self._out.put = send
        await super().__aenter__()
        return self


async def test_a_stuck_reader_delays_nobody_and_is_closed(client, sign_up, monkeypatch):
    monkeypatch.setattr("headrace_web.realtime.outbox.OUTBOX_MAX", 200)
    owner, bus = await sign_up(), client.app.state.services.bus
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    flow = (await client.post(f"{API}/flows", json={"name": "F"}, headers=owner.headers)).json()["data"]["id"]
    room = f"flow:{flow}"

    async def told(numbers: range) -> None:
        for number in numbers:
            message = Message(channel=room, type="log", data={"n": number}, timestamp=now())
            assert await bus.publish(owner.organization_id, message)

    async with contextlib.AsyncExitStack() as stack:
        tickets = [await ticket_of(client, owner) for _ in range(31)]
        stuck = await stack.enter_async_context(Stuck(client.app, tickets.pop(), "/ws", {}))
        readers = [await stack.enter_async_context(connect(client, ticket)) for ticket in tickets]
        for one in (stuck, *readers):
            assert (await say(one, op="subscribe", channel=room))["op"] == "subscribed"
        while f"headrace:bus:{owner.organization_id}:{room}" not in bus._ids:
            await asyncio.sleep(0.01)
        await told(range(50))
        async with asyncio.timeout(30):
            for reader in readers:
                heard = [json.loads(await reader.receive_text())["data"]["n"] for _ in range(50)]
                assert heard == list(range(50))
        assert stuck.held == 1, "it is being written to all the while"
        monkeypatch.setattr(protocol, "SEND_S", 0.2)
        await told(range(260))
        with pytest.raises(WebSocketDisconnect) as end:
            while True:
                await stuck._next()
        assert end.value.code == protocol.SLOW


async def test_who_is_connected_is_written_down(client, sign_up, monkeypatch):
    monkeypatch.setattr(protocol, "RECHECK_S", 0.05)
    monkeypatch.setattr(sockets, "BEAT_S", 0.05)
    person, other = await sign_up(), await sign_up(name="other")
    channel = f"organization:{person.organization_id}"

    async def listed(who=person, query=""):
        answer = await client.get(f"{API}/websocket-connections{query}", headers=who.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async with connect(client, await ticket_of(client, person)) as socket:
        await say(socket, op="subscribe", channel=channel)
        async with asyncio.timeout(20):
            while not (await listed())[0]["subscribed_to"]:
                await asyncio.sleep(0.05)
        (one,) = await listed(query="?is_active=true")
        assert (one["connection_type"], one["subscribed_to"]) == ("activity", [channel])
        me = (await client.get(f"{API}/auth/me", headers=person.headers)).json()["data"]
        assert one["user_id"] == me["user"]["id"]
        assert await listed(other) == []
    (one,) = await listed()
    assert (one["is_active"], one["disconnected_at"] > one["connected_at"]) == (False, True)
    assert await listed(query="?is_active=true") == []
