"""The channel `user:{id}`."""

from __future__ import annotations

import asyncio
import json

from headrace.infra.notify import listen
from headrace_web.realtime.hub import PEOPLE
from headrace_web.testing_socket import connect, say, ticket_of

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"


async def test_one_hears_what_happens_to_oneself_and_to_nobody_else(client, sign_up, headrace_settings):
    """Each process hears the database, whoever has changed it."""
    owner, other = await sign_up(), await sign_up(name="other")
    member = await sign_up("editor", owner.organization_id)
    me = (await client.get(f"{API}/auth/me", headers=member.headers)).json()["data"]["user"]["id"]
    hub, started = client.app.state.services.hub, asyncio.Event()

    def heard(channel: str, said: str) -> None:
        started.set()
        hub.tell_person(channel, said)

    listening = asyncio.create_task(listen(headrace_settings.database_url.reveal(), (PEOPLE,), heard))
    await asyncio.wait_for(started.wait(), 10)
    try:
        async with connect(client, await ticket_of(client, owner)) as socket:
            assert (await say(socket, op="subscribe", channel=f"user:{me}"))["op"] == "error"
        async with connect(client, await ticket_of(client, member)) as socket:
            assert (await say(socket, op="subscribe", channel=f"user:{me}"))["op"] == "subscribed"
            while not any(hub._queues.values()):
                await asyncio.sleep(0)
            invited = await client.post(
                f"{API}/invitations", json={"email": member.email, "role": "viewer"}, headers=other.headers
            )
            assert invited.is_success, invited.text
            told = json.loads(await socket.receive_text())
            assert (told["type"], told["data"]["about"]) == ("notification", "invitation")
            assert told["data"]["organization_id"] == str(other.organization_id)
            second = await client.post(f"{API}/auth/login", json={"email": member.email, "password": PASSWORD})
            theirs = {"Authorization": f"Bearer {second.json()['data']['access_token']}"}
            assert (await client.post(f"{API}/auth/logout", headers=theirs)).is_success
            told = json.loads(await socket.receive_text())
            assert told["data"]["about"] == "session"
            assert "user_id" not in told["data"]
            found = (await client.get(f"{API}/members/{me}", headers=owner.headers)).json()["data"]
            changed = await client.patch(
                f"{API}/members/{me}", json={"role": "viewer", "row_version": found["row_version"]},
                headers=owner.headers,
            )  # fmt: skip
            assert changed.is_success, changed.text
            told = json.loads(await socket.receive_text())
            assert (told["data"]["about"], told["data"]["role"]) == ("membership", "viewer")
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
