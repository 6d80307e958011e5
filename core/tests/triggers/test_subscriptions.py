"""Event subscriptions: what happens is told outside, in spite of receivers that are down, slow or gone."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from hashlib import sha256
from hmac import new as hmac

import pytest
from headrace.executions import service as executions
from headrace.sdk.egress import EgressPolicy, parse_allow
from headrace.sdk.errors import ConfigError
from headrace.subscriptions import deliveries
from headrace.subscriptions import service as subscriptions
from headrace.subscriptions.sender import Sender
from headrace.testing.http_server import Reply, http_server
from headrace.triggers import service as triggers

NOW = "update event_deliveries set next_at = clock_timestamp() where status = 'pending'"
CLOSE = "update event_subscriptions set open_until = null"


class Receiver:
    """A receiver that answers as the test says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.got = []

    def answer(self, asked) -> Reply:
        self.got.append(asked)
        return Reply(status=self.status)


@pytest.fixture
def receiver(monkeypatch):
    made = Receiver()
    with http_server(made.answer) as server:
        made.url = server.url + "/in"
        monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "127.0.0.1")
        yield made


@pytest.fixture
def sender(worker_database, database_urls, works) -> Sender:
    return Sender(worker_database, database_urls.worker_url, works.vault, policy=parse_allow(["127.0.0.1"]))


async def subscribe(works, receiver, *events, **fields):
    async with works.database.transaction(works.organization_id) as session:
        row = await subscriptions.create(
            session, works.actor, works.vault, url=receiver.url, events=events or ["execution.*"], **fields
        )
        opened = await subscriptions.open_secrets(session, works.vault, row.organization_id, row.id, row.secrets)
        return row.id, opened["secret"]


async def start(works):
    made = await works.trigger("manual", {})
    async with works.database.transaction(works.organization_id) as session:
        return await triggers.run(session, works.actor, works.host, made)


def signed_by(asked, secret: str) -> bool:
    """By the letter of Standard Webhooks."""
    text = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    right = hmac(b64decode(secret.removeprefix("whsec_")), text, sha256).digest()
    return right in [b64decode(one.removeprefix("v1,")) for one in asked.headers["webhook-signature"].split(" ")]


async def log(works, subscription_id):
    async with works.database.transaction(works.organization_id) as session:
        return (await deliveries.list_(session, works.organization_id, subscription_id))[0]


async def test_what_an_execution_does_is_told_signed(works, receiver, sender):
    made, secret = await subscribe(works, receiver, "execution.queued", "execution.cancelled")
    execution_id = await start(works)
    async with works.database.transaction(works.organization_id) as session:
        await executions.cancel(session, works.organization_id, execution_id)
    assert await sender.send() == 2
    told = sorted((asked.json() for asked in receiver.got), key=lambda one: one["timestamp"])
    assert [one["type"] for one in told] == ["execution.queued", "execution.cancelled"]
    assert told[1]["data"] | {"execution_id": str(execution_id), "flow": "F", "status": "cancelled"} == told[1]["data"]
    assert all(signed_by(asked, secret) for asked in receiver.got)
    assert {one["status"] for one in await log(works, made)} == {"delivered"}
    assert await sender.send() == 0


async def test_what_is_rolled_back_is_not_told(works, receiver, sender):
    await subscribe(works, receiver, "*")
    with pytest.raises(RuntimeError):
        async with works.database.transaction(works.organization_id) as session:
            trigger = await triggers.create(session, works.actor, works.vault, works.host.registry, type="manual",
                                            flow_id=works.flow_id)  # fmt: skip
            await triggers.run(session, works.actor, works.host, trigger.id)
            raise RuntimeError
    assert await works.rows("select 1 from event_deliveries") == []


async def test_flows_and_connections_are_told_of(works, receiver):
    await subscribe(works, receiver, "flow.*", "connection.*")
    await works.flow("New")
    await works.do("update flows set status = 'inactive' where name = 'New'")
    await works.do("update flows set last_execution_at = now() where name = 'New'")
    await works.do("update flow_data set definition = definition || '{\"viewport\": {}}' where flow_id = :f",
                   f=works.flow_id)  # fmt: skip
    await works.do("update flows set deleted_at = now() where name = 'New'")
    await works.do("insert into connections (organization_id, id, name, connector, config) "
                   "values (:o, gen_random_uuid(), 'C', 'x', 'secret')", o=works.organization_id)  # fmt: skip
    await works.do("update connections set last_tested_at = now(), test_status = 'failed'")
    rows = await works.rows("select event, payload from event_deliveries order by created_at")
    assert [row.event for row in rows] == [
        "flow.created", "flow.status_changed", "flow.updated", "flow.deleted", "connection.created",
        "connection.tested",
    ]  # fmt: skip
    assert rows[-1].payload["data"]["test_status"] == "failed"
    assert "secret" not in str([row.payload for row in rows])


async def test_a_receiver_that_is_down_loses_nothing(works, receiver, sender):
    made, _ = await subscribe(works, receiver)
    for _ in range(7):
        await start(works)
    receiver.status = 503
    assert [await sender.send(), await sender.send()] == [5, 0]
    (row,) = await works.rows("select failures, open_until > clock_timestamp() as open, error from event_subscriptions")
    assert (row.failures, row.open, row.error) == (5, True, "the receiver answered 503")
    await works.do(NOW)
    assert await sender.send() == 0, "nothing is tried while the circuit is open"
    await works.do(CLOSE)
    assert await sender.send() == 1, "one delivery tries whether the receiver is back"
    receiver.status = 204
    await works.do(CLOSE)
    await works.do(NOW)
    tried = await sender.send()
    while tried:
        await works.do(NOW)
        tried = await sender.send()
    found = await log(works, made)
    assert len(found) == 7
    assert {one["status"] for one in found} == {"delivered"}
    ids = [asked.headers["webhook-id"] for asked in receiver.got]
    assert set(ids) == {str(one["event_id"]) for one in found}
    assert len(ids) > 7, "the same id for each try"
    assert max(len(one["log"]) for one in found) > 1


async def test_several_senders_send_once(works, receiver, sender):
    await subscribe(works, receiver)
    for _ in range(5):
        await start(works)
    await asyncio.gather(*(sender.send() for _ in range(4)))
    assert len(receiver.got) == 5


async def test_who_dies_in_between_sends_again_under_the_same_id(works, receiver, sender, worker_database):
    await subscribe(works, receiver)
    await start(works)
    async with worker_database.transaction() as session:
        (lost,) = await deliveries.take(session)
    assert await sender.send() == 0
    await works.do(NOW)
    assert await sender.send() == 1
    assert receiver.got[0].headers["webhook-id"] == str(lost.event_id)


async def test_while_secrets_change_both_are_good(works, receiver, sender):
    made, old = await subscribe(works, receiver)
    async with works.database.transaction(works.organization_id) as session:
        row = await subscriptions.rotate(session, works.actor, works.vault, made)
        new = (await subscriptions.open_secrets(session, works.vault, row.organization_id, row.id, row.secrets))[
            "secret"
        ]
    await start(works)
    await sender.send()
    assert signed_by(receiver.got[0], old)
    assert signed_by(receiver.got[0], new)
    await works.do("update event_subscriptions set previous_until = clock_timestamp()")
    await start(works)
    await sender.send()
    assert (signed_by(receiver.got[1], old), signed_by(receiver.got[1], new)) == (False, True)


async def test_after_a_week_it_is_given_up_and_can_be_sent_again(works, receiver, sender):
    made, _ = await subscribe(works, receiver)
    await start(works)
    receiver.status = 500
    await works.do("update event_deliveries set since = clock_timestamp() - interval '8 days'")
    await sender.send()
    assert [one["status"] for one in await log(works, made)] == ["failed"]
    receiver.status = 200
    async with works.database.transaction(works.organization_id) as session:
        assert await deliveries.again(session, works.organization_id, made) == 1
    assert await sender.send() == 1
    assert [one["status"] for one in await log(works, made)] == ["delivered"]


async def test_a_receiver_that_is_gone_is_switched_off(works, receiver, sender):
    await subscribe(works, receiver)
    await start(works)
    receiver.status = 410
    await sender.send()
    (row,) = await works.rows("select is_active, error from event_subscriptions")
    assert (row.is_active, row.error) == (
        False,
        "the receiver answered 410 (gone), so the subscription is switched off",
    )


async def test_addresses_inside_are_not_reached(works, receiver, worker_database, database_urls):
    closed = Sender(worker_database, database_urls.worker_url, works.vault, policy=EgressPolicy())
    made, _ = await subscribe(works, receiver)
    await start(works)
    await closed.send()
    assert receiver.got == []
    (one,) = await log(works, made)
    assert (one["status"], one["error"] is not None) == ("pending", True)


async def test_what_makes_no_sense_is_refused(works, receiver):
    for fields, said in (
        ({"events": ["execution.never"]}, "there is no event 'execution.never'"),
        ({"events": ["flow.*"], "secret": "short"}, "whsec_"),
    ):
        async with works.database.transaction(works.organization_id) as session:
            with pytest.raises(ConfigError, match=said):
                await subscriptions.create(session, works.actor, works.vault, url=receiver.url, **fields)


async def test_a_sender_is_woken_by_the_event(works, receiver, sender, wait_until):
    await subscribe(works, receiver)
    serving = asyncio.create_task(sender.serve())
    try:
        await start(works)

        async def got():
            return receiver.got

        await wait_until(got)
        assert receiver.got[0].json()["type"] == "execution.queued"
    finally:
        serving.cancel()
