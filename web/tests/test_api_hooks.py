"""Webhooks as callers meet them: who is let in, what a repeat does, what is kept, what is answered."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import jwt
import pytest
import sqlalchemy as sa
from headrace.testing.processes import until
from headrace.triggers.callers import sign

API = "/api/v1"
CANVAS = {
    "nodes": [{"id": "hook", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "triggers.manual", "config": {"sample": [{"id": 1}]}}}],
    "edges": [],
}  # fmt: skip


class Site:
    """A flow with a webhook and a way to call it."""

    def __init__(self, client, person, database):
        self.client, self.person, self.database = client, person, database

    async def post(self, path, body=None, status=201):
        answer = await self.client.post(API + path, json=body or {}, headers=self.person.headers)
        assert answer.status_code == status, answer.text
        return answer.json()["data"]

    async def get(self, path):
        answer = await self.client.get(API + path, headers=self.person.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def hook(self, **body):
        flow = await self.post("/flows", {"name": f"F{time.monotonic_ns()}", "status": "active", "definition": CANVAS})
        made = await self.post("/webhooks", {"flow_id": flow["id"], "authentication": "none", **body})
        return made, made["url"].partition("//")[2].partition("/")[2] if "//" in made["url"] else made["url"]

    async def call(self, place, content=b"{}", method="POST", kind="application/json", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(
            method, "/" + place.lstrip("/"), content=content, headers={"content-type": kind, **sent}
        )

    async def rows(self, query, **values):
        async with self.database.transaction(self.person.organization_id) as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def do(self, statement, **values):
        async with self.database.transaction(self.person.organization_id) as session:
            await session.execute(sa.text(statement), values)


@pytest.fixture
async def site(client, sign_up, database):
    made = Site(client, await sign_up(), database)
    await made.post("/workspaces", {"name": "W"})
    return made


def signed(key, body, *, delivery="msg_1", shift=0.0, signature=None):
    stamp = int(time.time() + shift)
    return {"webhook_id": delivery, "webhook_timestamp": str(stamp),
            "webhook_signature": signature or sign(key, delivery, stamp, body)}  # fmt: skip


def test_the_signature_is_that_of_standard_webhooks():
    assert sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="  # fmt: skip


async def test_a_call_is_stored_before_it_is_answered(site):
    made, place = await site.hook()
    assert len(base64.urlsafe_b64decode(place.rpartition("/")[2] + "==")) == 16
    answer = await site.call(place + "?shop=7", b'[{"id": 1, "name": "a"}, {"id": 2}]', authorization="Bearer hidden",
                             x_origin_shop="7")  # fmt: skip
    assert answer.status_code == 202
    (row,) = await site.rows("select id, trigger_type, input_data, status from executions")
    assert answer.json()["data"]["execution_id"] == str(row.id)
    assert (row.trigger_type, row.status) == ("webhook", "queued")
    assert row.input_data["rows"] == [{"id": 1, "name": "a"}, {"id": 2}]
    assert row.input_data["request"]["query"] == {"shop": "7"}
    assert row.input_data["request"]["headers"]["x-origin-shop"] == "7"
    assert "hidden" not in json.dumps(row.input_data)
    (call,) = await site.get(f"/webhooks/{made['id']}/calls")
    assert (call["outcome"], call["execution_id"], call["query"]) == ("accepted", str(row.id), {"shop": "7"})
    assert call["body"] == '[{"id": 1, "name": "a"}, {"id": 2}]'
    assert "hidden" not in json.dumps(call)


async def test_one_delivery_starts_one_execution_however_often_and_at_once(site):
    made, place = await site.hook()
    answers = await asyncio.gather(*(site.call(place, b'{"n": 1}', webhook_id="d-1") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["data"]["execution_id"] for answer in answers}) == 1
    other = await site.call(place, b'{"n": 2}', webhook_id="d-1")
    assert other.json()["data"] == answers[0].json()["data"]
    assert len(await site.rows("select 1 from executions")) == 1
    (call,) = await site.get(f"/webhooks/{made['id']}/calls")
    assert call["duplicates"] == 100
    await site.do("update webhook_calls set created_at = created_at - interval '25 hours'")
    later = await site.call(place, b'{"n": 1}', webhook_id="d-1")
    assert later.json()["data"] != answers[0].json()["data"]
    assert len(await site.rows("select 1 from executions")) == 2


async def test_a_signed_call_is_let_in_and_nothing_else(site):
    made, place = await site.hook(authentication="hmac")
    key, body = made["signing_key"], b'{"b": 1, "a": 2}'
    right = signed(key, body)
    wrong = [
        {}, signed(key, body, signature="v1,"), signed(key, body, signature="v1,v1"),
        signed(key, body, signature=right["webhook_signature"][:-2]), signed("whsec_" + "A" * 32, body),
        signed(key, b'{"a": 2, "b": 1}'), signed(key, b"\xef\xbb\xbf" + body), signed(key, body, shift=-301),
        signed(key, body, shift=302), {**right, "webhook_timestamp": "NaN"}, {**right, "webhook_timestamp": "1e9"},
        {**right, "webhook_timestamp": "-5"}, {**right, "webhook_id": "msg_2"},
    ]  # fmt: skip
    for headers in wrong:
        answer = await site.call(place, body, **headers)
        assert answer.status_code == 401, headers
        assert key not in answer.text
    assert await site.rows("select 1 from executions") == []
    assert (await site.call(place, body, **right)).status_code == 202
    padded = f"v1,AAAA v2,x {right['webhook_signature']}"
    assert (await site.call(place, body, **{**right, "webhook_signature": padded})).status_code == 202
    assert len(await site.rows("select 1 from executions")) == 1, "the second was the same delivery"
    calls = await site.get(f"/webhooks/{made['id']}/calls")
    assert sum(call["outcome"] == "refused" for call in calls) == len(wrong)
    assert all(call["body"] is None and not call["headers"] for call in calls if call["outcome"] == "refused")


async def test_a_rotated_key_and_the_one_before_are_good(site):
    made, place = await site.hook(authentication="hmac")
    body = b"{}"
    fresh = await site.post(f"/webhooks/{made['id']}/rotate-key", status=200)
    last = await site.post(f"/webhooks/{made['id']}/rotate-key", status=200)
    assert fresh["url"] == made["url"]
    codes = [
        (await site.call(place, body, **signed(one["signing_key"], body, delivery=f"d{n}"))).status_code
        for n, one in enumerate((made, fresh, last))
    ]
    assert codes == [401, 202, 202]
    assert "signing_key" not in await site.get(f"/webhooks/{made['id']}")


async def test_basic_header_and_token(site):
    def basic(text):
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    _, place = await site.hook(authentication="basic", secrets={"username": "me", "password": "pass:word"})
    assert (await site.call(place, **basic("me:pass:word"))).status_code == 202
    for headers in ({}, basic("me:pass"), basic("you:pass:word"), {"authorization": "Basic ???"}):
        assert (await site.call(place, **headers)).status_code == 401

    _, place = await site.hook(authentication="header", secrets={"token": "s3cret"}, configuration={"header": "X-Shop"})
    assert (await site.call(place, x_shop="s3cret")).status_code == 202
    assert (await site.call(place, x_shop="s3cre")).status_code == 401
    assert await site.rows("select 1 from executions where cast(input_data as text) like '%s3cret%'") == []

    key = "k" * 40
    _, place = await site.hook(authentication="jwt", secrets={"jwt_key": key}, configuration={"audience": "us"})
    soon = int(time.time()) + 60

    def token(with_key=key, algorithm="HS256", **claims):
        return {"authorization": f"Bearer {jwt.encode(claims, with_key, algorithm=algorithm)}"}

    assert (await site.call(place, **token(exp=soon, aud="us"))).status_code == 202
    for headers in ({}, token(aud="us"), token(exp=soon), token(exp=soon - 120, aud="us"), token(exp=soon, aud="them"),
                    token("x" * 40, exp=soon, aud="us"), token(None, "none", exp=soon, aud="us")):  # fmt: skip
        assert (await site.call(place, **headers)).status_code == 401


async def test_addresses_that_are_allowed(site):
    _, place = await site.hook(configuration={"allowed_ips": ["10.0.0.0/8"]})
    assert (await site.call(place)).status_code == 401
    _, place = await site.hook(configuration={"allowed_ips": ["10.0.0.0/8", "127.0.0.1"]})
    assert (await site.call(place)).status_code == 202


async def test_what_does_not_listen_is_as_if_it_were_not(site):
    made, place = await site.hook()
    unknown = await site.call("/hooks/AAAAAAAAAAAAAAAAAAAAAA")
    assert unknown.status_code == 404

    async def same():
        answer = await site.call(place)
        assert (answer.status_code, answer.json()["error"]) == (404, unknown.json()["error"])

    flow = await site.get(f"/flows/{made['flow_id']}")
    for status, check in (("inactive", True), ("active", False)):
        version = (await site.get(f"/flows/{flow['id']}"))["row_version"]
        await site.client.patch(f"{API}/flows/{flow['id']}", json={"status": status, "row_version": version},
                                headers=site.person.headers)  # fmt: skip
        if check:
            await same()
    assert (await site.call(place)).status_code == 202
    await site.client.patch(f"{API}/webhooks/{made['id']}", json={"is_active": False, "row_version": 1},
                            headers=site.person.headers)  # fmt: skip
    await same()
    await site.client.delete(f"{API}/webhooks/{made['id']}", headers=site.person.headers)
    await same()
    assert (await site.call("/hooks/" + "x" * 3000)).status_code == 404
    assert (await site.call("/hooks/a/b/c/../../d")).status_code == 404


async def test_methods_sizes_and_contents(site):
    made, place = await site.hook()
    for method in ("GET", "PUT", "DELETE"):
        assert (await site.call(place, b"", method=method)).status_code == 405
    assert (await site.call(place, b"x" * (10 * 2**20 + 1))).status_code == 413
    assert (await site.call(place, b"{not json")).status_code == 422
    assert (await site.call(place, b"[" * 100_000)).status_code == 422
    assert await site.rows("select 1 from executions") == []
    big = json.dumps({"text": "y" * (10 * 2**20 - 100)}).encode()
    assert (await site.call(place, big)).status_code == 202
    kinds = [
        (b"a=1&b=x%20y", "application/x-www-form-urlencoded", {"a": "1", "b": "x y"}),
        ("grüße".encode(), "text/plain", {"text": "grüße"}),
        (b"\x00\xff", "application/octet-stream", {"content_type": "application/octet-stream", "base64": "AP8="}),
        (b"5", "application/json", {"value": 5}),
        (b'{"path": "/etc/passwd", "files": [1]}', "application/json", {"path": "/etc/passwd", "files": [1]}),
    ]
    for body, kind, row in kinds:
        answer = await site.call(place, body, kind=kind)
        assert answer.status_code == 202, answer.text
        (stored,) = await site.rows("select input_data -> 'rows' as rows from executions where id = :id",
                                    id=answer.json()["data"]["execution_id"])  # fmt: skip
        assert stored.rows == [row]
    _, place = await site.hook(method="GET")
    assert (await site.call(place + "?q=1", b"", method="GET")).status_code == 202
    assert made["method"] == "POST"


async def test_an_own_path_under_the_organization(site, sign_up, client, database):
    made, _ = await site.hook(url_path="orders/new")
    (org,) = await site.rows("select id, slug from organizations")
    assert made["alias_url"].endswith(f"/hooks/{org.slug}/orders/new")
    for place in (f"hooks/{org.slug}/orders/new", f"hooks/{org.id}/orders/new"):
        assert (await site.call(place)).status_code == 202
    other = Site(client, await sign_up(name="other"), database)
    await other.post("/workspaces", {"name": "W"})
    await other.hook(url_path="orders/new")
    assert (await site.call(f"hooks/{org.slug}/orders/old")).status_code == 404
    taken = await client.post(f"{API}/webhooks", headers=site.person.headers,
                              json={"flow_id": made["flow_id"], "url_path": "orders/new"})  # fmt: skip
    assert taken.status_code == 409
    for bad in ("../x", "a//b", "/a", "a b", "x" * 256):
        refused = await client.post(f"{API}/webhooks", headers=site.person.headers,
                                    json={"flow_id": made["flow_id"], "url_path": bad})  # fmt: skip
        assert refused.status_code == 422, bad


async def test_as_many_as_may_be_open(site):
    _, place = await site.hook(configuration={"max_pending": 1})
    assert (await site.call(place, webhook_id="a")).status_code == 202
    busy = await site.call(place, webhook_id="b")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
    await site.do("update executions set status = 'completed'")
    assert (await site.call(place, webhook_id="b")).status_code == 202


async def test_a_flow_says_how_many_may_wait_and_what_becomes_of_one_more(site):
    made, place = await site.hook()
    at = f"/flows/{made['flow_id']}"

    async def settle(settings, status=200):
        flow = await site.get(at)
        answer = await site.client.patch(
            API + at, json={"settings": settings, "row_version": flow["row_version"]}, headers=site.person.headers
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    refused = await settle({"max_pending": 1, "when_pending": "never"}, status=422)
    assert "when_pending" in refused["error"]["message"]
    await settle({"max_pending": 1})
    first = await site.call(place, b'[{"id": 1}]', webhook_id="a")
    busy = await site.call(place, b'[{"id": 2}]', webhook_id="b")
    assert (first.status_code, busy.status_code, busy.headers["retry-after"]) == (202, 429, "5")
    by_hand = await site.client.post(API + at + "/execute", json={}, headers=site.person.headers)
    assert (by_hand.status_code, by_hand.json()["error"]["code"]) == (429, "TOO_MANY_WAITING")
    await settle({"max_pending": 1, "when_pending": "coalesce"})
    joined = await site.call(place, b'[{"id": 2}]', webhook_id="b")
    assert joined.json()["data"]["execution_id"] == first.json()["data"]["execution_id"]
    (row,) = await site.rows("select input_data from executions")
    assert row.input_data["rows"] == [{"id": 2}]
    text = await site.client.get(API + at + "/export", headers=site.person.headers)
    assert "settings:\n  max_pending: 1\n  when_pending: coalesce" in text.text
    again = await site.client.post(
        API + "/flows/import", json={"text": text.text, "name": "Again"}, headers=site.person.headers
    )
    assert again.json()["data"]["settings"] == {"max_pending": 1, "when_pending": "coalesce"}


async def test_a_flow_with_a_problem_asks_to_come_again_and_says_why_inside(site):
    made, place = await site.hook()
    await site.do('update flow_data set definition = \'{"nodes": [], "edges": []}\'')
    answer = await site.call(place, webhook_id="a")
    assert answer.status_code == 503
    assert "no steps" not in answer.text
    (call,) = await site.get(f"/webhooks/{made['id']}/calls")
    assert (call["outcome"], call["error"]) == ("failed", "the flow has no steps; add one first")
    await site.do("update flow_data set definition = cast(:d as jsonb)", d=json.dumps(CANVAS))
    assert (await site.call(place, webhook_id="a")).status_code == 202


async def test_a_call_again(site):
    made, place = await site.hook()
    await site.call(place, json.dumps({"text": "z" * 100_000}).encode())
    (call,) = await site.get(f"/webhooks/{made['id']}/calls")
    again = await site.post(f"/webhooks/{made['id']}/calls/{call['id']}/replay", status=202)
    first, second = await site.rows("select id, input_data from executions order by queued_at")
    assert again["execution_id"] == str(second.id)
    assert first.input_data == second.input_data
    assert len(call["body"]) == 64 * 1024
    newest, _ = await site.get(f"/webhooks/{made['id']}/calls")
    assert newest["replay_of"] == call["id"]


async def respond(site, **response):
    await until(lambda: site.rows("select 1 from executions"))
    await site.do("update executions set response = cast(:r as jsonb)", r=json.dumps(response))


async def test_the_answer_of_a_respond_step(site):
    _, place = await site.hook(configuration={"response": "respond_node", "wait_seconds": 60})
    headers = {"Content-Type": "text/html", "Set-Cookie": "a=b", "X-Shop": "7", "Access-Control-Allow-Origin": "*"}
    answer, _ = await asyncio.gather(
        site.call(place), respond(site, status=201, headers=headers, body="<script>alert(1)</script>")
    )
    assert (answer.status_code, answer.text, answer.headers["x-shop"]) == (201, "<script>alert(1)</script>", "7")
    assert answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert not {"set-cookie", "access-control-allow-origin"} & answer.headers.keys()


async def test_an_answer_that_does_not_come(site):
    _, place = await site.hook(configuration={"response": "respond_node", "wait_seconds": 1})
    answer = await site.call(place)
    assert (answer.status_code, answer.json()["data"]["status"]) == (202, "queued")
    made, place = await site.hook(configuration={"response": "last_node", "wait_seconds": 60})

    async def fail():
        await until(lambda: site.rows("select 1 from executions where flow_id = :f", f=made["flow_id"]))
        await site.do("update executions set status = 'failed', error_message = 'inner' where status = 'queued'")

    answer, _ = await asyncio.gather(site.call(place), fail())
    assert answer.status_code == 502
    assert "inner" not in answer.text


async def test_a_secret_that_is_missing_or_weak_is_refused(site):
    flow = await site.post("/flows", {"name": "G", "definition": CANVAS})
    for body in ({"authentication": "basic"}, {"authentication": "jwt", "secrets": {"jwt_key": "short"}},
                 {"authentication": "hmac", "secrets": {"signing_key": "whsec_abc"}},
                 {"configuration": {"allowed_ips": ["nowhere"]}}, {"secrets": {"pin": "1"}}):  # fmt: skip
        answer = await site.client.post(f"{API}/webhooks", json={"flow_id": flow["id"], **body},
                                        headers=site.person.headers)  # fmt: skip
        assert answer.status_code == 422, body


async def test_a_key_that_comes_again_starts_nothing_and_is_listed(site):
    made, place = await site.hook(configuration={"unique_by": "{{ row.order }}"})
    first = (await site.call(place, b'{"order": 5}')).json()["data"]
    again = await site.call(place, b'{"order": 5}')
    assert (again.status_code, again.json()["data"]["execution_id"]) == (202, first["execution_id"])
    refused = await site.call(place, b'{"id": 5}')
    assert refused.status_code == 422
    assert refused.json()["error"]["message"].startswith("the key of this event cannot be told")
    found = await site.get(f"/triggers/{made['id']}/duplicates")
    assert [(one["key"], one["execution_id"]) for one in found] == [("5", first["execution_id"])]
    calls = await site.get(f"/webhooks/{made['id']}/calls")
    assert [call["outcome"] for call in calls] == ["refused", "duplicate", "accepted"]


async def test_a_large_body_is_kept_whole_and_replayed(site, client):
    made, place = await site.hook()
    body = json.dumps([{"id": n, "text": "x" * 1_000} for n in range(200)]).encode()
    started = (await site.call(place, body)).json()["data"]
    (call,) = await site.get(f"/webhooks/{made['id']}/calls")
    assert (call["body_bytes"], len(call["body"])) == (len(body), 64 * 2**10)
    whole = await client.get(f"{API}/webhooks/{made['id']}/calls/{call['id']}/body", headers=site.person.headers)
    assert whole.content == body
    (row,) = await site.rows("select octet_length(body) as kept, stored from webhook_calls")
    assert (row.kept, row.stored) == (64 * 2**10, True)
    await site.do("delete from executions where id = :id", id=started["execution_id"])
    again = await site.post(f"/webhooks/{made['id']}/calls/{call['id']}/replay", status=202)
    execution = await site.get(f"/executions/{again['execution_id']}")
    assert len(execution["input_data"]["rows"]) == 200
