"""Hosted chats as visitors and programs meet them: what the flow is given, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import json
import re
import time

import msgspec
import pytest
import sqlalchemy as sa
from headrace.executions.rows import pin_rows
from headrace.testing.processes import until

API = "/api/v1"
CANVAS = {
    "nodes": [{"id": "chat", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "triggers.manual", "config": {"sample": [{"id": 1}]}}}],
    "edges": [],
}  # fmt: skip


class Site:
    """A flow with a chat; the test plays the worker that answers."""

    def __init__(self, client, person, database):
        self.client, self.person, self.database = client, person, database

    async def make(self, configuration=None, status=201, **fields):
        headers, name = self.person.headers, f"F{time.monotonic_ns()}"
        flow = await self.client.post(
            f"{API}/flows", json={"name": name, "status": "active", "definition": CANVAS}, headers=headers
        )
        body = {"trigger_type": "chat", "configuration": configuration or {}, **fields}
        made = await self.client.post(f"{API}/flows/{flow.json()['data']['id']}/triggers", json=body, headers=headers)
        assert made.status_code == status, made.text
        return "/chats/" + made.json()["data"]["url"].partition("/chats/")[2] if status == 201 else made.json()

    async def say(self, place, message="Hello", answer=None, headers=None, **more):
        """The message as JSON; answered while it waits."""
        sent = self.client.post(place, json={"message": message, **more}, headers=headers)
        return (await asyncio.gather(sent, self.answer(answer)))[0]

    async def send(self, place, ticket, message, conversation="", answer=None):
        data = {"_ticket": ticket, "message": message, "conversation_id": conversation}
        sent = self.client.post(place, data=data, files={"none": ("", b"")})
        return (await asyncio.gather(sent, self.answer(answer)))[0]

    async def answer(self, response):
        if response is None:
            return
        await until(lambda: self.rows("select 1 from executions where response is null and status = 'queued'"))
        await self.do(
            "update executions set response = cast(:r as jsonb) where response is null", r=json.dumps(response)
        )

    async def rows(self, query, **values):
        async with self.database.transaction(self.person.organization_id) as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def do(self, statement, **values):
        async with self.database.transaction(self.person.organization_id) as session:
            await session.execute(sa.text(statement), values)

    async def inputs(self):
        found = await self.rows("select input_data from executions order by queued_at")
        return [one.input_data["rows"][0] for one in found]


@pytest.fixture
async def site(client, sign_up, database):
    person = await sign_up()
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=person.headers)
    return Site(client, person, database)


def said(body, **more):
    return {"status": 200, "headers": {}, "body": body, **more}


def hidden(text, name):
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]


async def test_a_conversation_of_a_program(site):
    place = await site.make()
    first = await site.say(place, "Who was first?", said("Ada."))
    assert first.status_code == 200, first.text
    told = first.json()["data"]
    assert told["answer"] == "Ada."
    rows = json.dumps([{"answer": "In 1843."}])
    second = await site.say(place, "When?", said(rows, headers={"content-type": "application/json"}),
                            conversation_id=told["conversation_id"])  # fmt: skip
    assert (second.json()["data"]["answer"], second.json()["data"]["conversation_id"]) == (
        "In 1843.", told["conversation_id"],
    )  # fmt: skip
    one, two = await site.inputs()
    assert one["history"] == []
    assert two == {"message": "When?", "conversation_id": one["conversation_id"], "history": [
        {"role": "user", "content": "Who was first?"}, {"role": "assistant", "content": "Ada."}]}  # fmt: skip
    assert await site.rows("select distinct trigger_type from executions") == [("chat",)]


async def test_history_is_bounded(site):
    place = await site.make({"history": 1})
    named = {}
    for message in ("one", "two", "three"):
        answer = await site.say(place, message, said(message.upper()), **named)
        named = {"conversation_id": answer.json()["data"]["conversation_id"]}
    assert [turn["content"] for turn in (await site.inputs())[2]["history"]] == ["two", "TWO"]


async def test_conversations_of_others_are_not_known(site):
    place, other = await site.make(), await site.make()
    told = (await site.say(place, "secret", said("kept"))).json()["data"]["conversation_id"]
    for where, named in ((other, told), (place, told[:-2] + "AA"), (place, told.partition(".")[0]), (place, "x.y")):
        answer = await site.say(where, conversation_id=named)
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].startswith("this conversation is not known here")
    assert len(await site.inputs()) == 1


async def test_the_same_key_gives_the_same_answer(site):
    place = await site.make()
    answers = [(await site.say(place, "Hi", said("Hello."), headers={"Idempotency-Key": "k-1"})).json()["data"]]
    answers.append((await site.say(place, "Hi", headers={"Idempotency-Key": "k-1"})).json()["data"])
    assert answers[0] == answers[1]
    assert len(await site.inputs()) == 1


@pytest.mark.parametrize(("body", "told"), [
    (b"{", "the body is no message"), (b'{"message": 5}', "the body is no message"),
    (b'{"message": " "}', "the message is empty"),
    (json.dumps({"message": "x" * 8_001}).encode(), "the message is longer than 8,000 characters; shorten it"),
])  # fmt: skip
async def test_what_is_no_message_is_refused(site, body, told):
    place = await site.make()
    answer = await site.client.post(place, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["message"].startswith(told)) == (422, True)
    assert await site.inputs() == []


async def test_an_answer_that_does_not_come(site):
    place = await site.make({"wait_seconds": 1})
    late = await site.say(place)
    error = late.json()["error"]
    assert (late.status_code, error["message"]) == (
        504, "the flow gave no answer within 1 seconds and goes on; ask again later",
    )  # fmt: skip
    await site.do("update executions set response = cast(:r as jsonb)", r=json.dumps(said("Better late.")))
    again = await site.say(place, "Still there?", said("Yes."), conversation_id=error["details"]["conversation_id"])
    assert again.status_code == 200, again.text
    assert {"role": "assistant", "content": "Better late."} in (await site.inputs())[1]["history"]

    place = await site.make({"wait_seconds": 60})

    async def fail():
        await until(lambda: site.rows("select 1 from executions where response is null"))
        await site.do("update executions set status = 'failed', error_message = 'inner' where response is null")

    failed, _ = await asyncio.gather(site.say(place), fail())
    assert (failed.status_code, "inner" in failed.text) == (502, False)


async def test_the_last_step_is_heard_when_nobody_waits_any_more(site, headrace_settings):
    place = await site.make({"wait_seconds": 1, "title": "Ask"})
    late = (await site.say(place, "Slow?")).json()["error"]["details"]
    named = {"conversation_id": late["conversation_id"]}
    silent = (await site.say(place, "Hm?", **named)).json()["error"]["details"]
    organization_id = site.person.organization_id
    ((flow_id,),) = await site.rows("select distinct flow_id from executions")
    rows = {"out": [{"answer": "Better late."}, {"answer": "Than never."}]}
    refs = await asyncio.to_thread(pin_rows, headrace_settings.objects_url, organization_id, flow_id, "last", rows)
    await site.do(
        "insert into node_executions (organization_id, execution_id, node_id, segment_no, status, attempt, outputs) "
        "values (:o, :e, 'last', 0, 'completed', 1, cast(:r as jsonb))",
        o=organization_id, e=late["execution_id"], r=msgspec.json.encode(refs).decode(),
    )  # fmt: skip
    done = "update executions set status = 'completed', output_data = cast(:d as jsonb) where id = :e"
    await site.do(done, e=late["execution_id"], d='{"last.out": {"rows": 2}}')
    await site.do(done, e=silent["execution_id"], d="{}")
    again = await site.say(place, "Still there?", said("Yes."), **named)
    assert again.status_code == 200, again.text
    assert (await site.inputs())[2]["history"] == [
        {"role": "user", "content": "Slow?"}, {"role": "assistant", "content": "Better late.\nThan never."},
        {"role": "user", "content": "Hm?"},
    ]  # fmt: skip
    kept = await site.rows("select answer from webhook_calls order by created_at")
    assert [row.answer for row in kept] == ["Better late.\nThan never.", "", "Yes."], "nothing is looked for twice"


async def test_the_page_works_without_scripts_and_counts_once(site):
    place = await site.make({"title": "Ask <us>", "description": "We know.", "wait_seconds": 60})
    shown = await site.client.get(place)
    assert "Ask &lt;us&gt;" in shown.text
    assert "<script" not in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    ticket = hidden(shown.text, "_ticket")
    first = await site.send(place, ticket, "What is <b>?", answer=said("Bold & old."))
    assert first.status_code == 200, first.text
    assert "What is &lt;b&gt;?" in first.text
    assert "Bold &amp; old." in first.text
    repeated = await site.send(place, ticket, "What is <b>?")
    assert "Bold &amp; old." in repeated.text
    assert len(await site.inputs()) == 1
    second = await site.send(place, hidden(first.text, "_ticket"), "And <i>?", hidden(first.text, "conversation_id"),
                             said("Italic."))  # fmt: skip
    assert all(text in second.text for text in ("What is", "Bold", "And &lt;i&gt;?", "Italic."))


async def test_a_page_of_another_browser_or_site_does_not_count(site):
    place = await site.make()
    ticket = hidden((await site.client.get(place)).text, "_ticket")
    site.client.cookies.clear()
    answer = await site.send(place, ticket, "Hello there")
    assert (answer.status_code, "open too long" in answer.text, "Hello there" in answer.text) == (422, True, True)
    assert await site.inputs() == []


async def test_who_asks_without_end_is_slowed_down(site, monkeypatch):
    monkeypatch.setattr("headrace_web.hosted.SENT_MAX", 1)
    place = await site.make()
    assert (await site.say(place, answer=said("1"))).status_code == 200
    slowed = await site.say(place)
    assert (slowed.status_code, slowed.json()["error"]["code"]) == (429, "RATE_LIMITED")


async def test_a_chat_may_ask_who_it_is(site):
    place = await site.make({"authentication": "basic"}, secrets={"username": "ada", "password": "right"})
    assert (await site.say(place)).status_code == 401
    assert (await site.client.get(place)).headers["www-authenticate"] == 'Basic realm="chat", charset="UTF-8"'
    place = await site.make({"authentication": "token"}, secrets={"token": "very-secret-token"})
    assert (await site.say(place)).status_code == 404
    assert (await site.say(f"{place}?token=very-secret-token", answer=said("Hi."))).status_code == 200
    assert (await site.client.get(place.replace("/chats/", "/forms/"))).status_code == 404
