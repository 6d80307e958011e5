"""Sources of messages against real brokers: nothing lost, what is not acknowledged comes again, refusals are told."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from headrace.sdk import AuthError, ConfigError, TransientError, parse_config
from headrace.testing.services import needs
from headrace_node_triggers import headrace_triggers

OPENED: list = []
TYPES = {one.id: one for one in headrace_triggers()}


class Context:
    def __init__(self, trigger_id: str = "") -> None:
        self.trigger_id = trigger_id or uuid4().hex

    def log(self, message, **fields):
        pass


def opened(kind: str, config: dict, **secrets: str):
    manifest = TYPES[kind]
    made = manifest.factory.load()(parse_config(manifest.config, config), parse_config(manifest.secrets, secrets))
    OPENED.append(made)
    return made


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def take(source, ctx, count: int, *, store: bool = True) -> list:
    """So many events; each batch is acknowledged when `store`."""
    found: list = []
    end = time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        received = source.receive(ctx, {}, wait_s=0.5)
        found += received.events
        if store and received.events:
            source.accepted(received)
    assert len(found) == count, found
    return found


def received(source, ctx, cursor):
    """What the next question that finds something gives."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = source.receive(ctx, cursor, wait_s=0.5)
        if found.events:
            return found
    return found


def again(source, config, kind, ctx, **secrets):
    """What a process that died before storing leaves: a source that is opened anew with the same identity."""
    source.close()
    source.close()
    return opened(kind, config, **secrets)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def started(command: list[str], port: int) -> Iterator[int]:
    binary = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.skip(f"no {command[0]} on this machine; apt-get install {command[0]}")
    process = subprocess.Popen([binary, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < end, f"{command[0]} does not listen"
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int]:
    port, config = free_port(), tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    yield from started(["mosquitto", "-c", str(config)], port)


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    yield from started(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path)], port)


def test_redis_stream(redis_url):
    import redis

    place = urlsplit(redis_url)
    config = {"host": place.hostname, "port": place.port, "database": int(place.path[1:] or 0), "stream": "orders",
              "batch": 2}  # fmt: skip
    login = {"username": place.username or "", "password": place.password or ""}
    with redis.Redis.from_url(redis_url) as client:
        client.xadd("orders", {"id": "0"})
        ctx, source = Context(), opened("redis_stream", config, **login)
        assert source.receive(ctx, {}, wait_s=0.01).events == []
        keys = [client.xadd("orders", {"id": str(n), "raw": b"\xff"}).decode() for n in range(1, 6)]
        first = take(source, ctx, 2, store=False)
        source = again(source, config, "redis_stream", ctx, **login)
        found = take(source, ctx, 5)
        assert [event.key for event in found] == keys
        assert [event.key for event in first] == keys[:2]
        assert found[0].rows == [{"id": "1", "raw": "/w=="}]
        assert client.xpending("orders", f"headrace-{ctx.trigger_id}")["pending"] == 0
        source.close()
        whole = opened("redis_stream", {**config, "first": "all"}, **login)
        assert len(take(whole, Context(), 6)) == 6
        whole.close()
        with pytest.raises(AuthError):
            opened("redis_stream", config, username="nobody", password="wrong").receive(Context(), {}, wait_s=0)
        client.set("plain", "x")
        with pytest.raises(ConfigError, match="plain"):
            opened("redis_stream", {**config, "stream": "plain"}, **login).receive(Context(), {}, wait_s=0)


def test_rabbitmq():
    import pika

    url = urlsplit(needs("rabbitmq"))
    queue = f"headrace-{uuid4().hex}"
    config = {"host": url.hostname, "port": url.port or 5672, "queue": queue, "batch": 3}
    login = {"username": url.username or "guest", "password": url.password or "guest"}
    connection = pika.BlockingConnection(pika.URLParameters(url.geturl()))
    channel = connection.channel()
    channel.queue_declare(queue)
    try:
        for n in range(5):
            body = json.dumps({"n": n}) if n else "no json"
            channel.basic_publish("", queue, body.encode(), pika.BasicProperties(message_id=f"m{n}"))
        ctx, source = Context(), opened("rabbitmq", config, **login)
        first = take(source, ctx, 3, store=False)
        source = again(source, config, "rabbitmq", ctx, **login)
        found = take(source, ctx, 5)
        assert {event.key for event in first} <= {event.key for event in found} == {f"m{n}" for n in range(5)}
        assert next(event.rows for event in found if event.key == "m0") == [{"text": "no json"}]
        assert next(event.rows for event in found if event.key == "m4") == [{"n": 4}]
        source.close()
        left = channel.queue_declare(queue, passive=True).method.message_count
        assert left == 0
        with pytest.raises(AuthError):
            opened("rabbitmq", config, username="guest", password="wrong").receive(ctx, {}, wait_s=0.1)
        with pytest.raises(ConfigError, match="nowhere"):
            opened("rabbitmq", {**config, "queue": "nowhere"}, **login).receive(ctx, {}, wait_s=0.1)
    finally:
        channel.queue_delete(queue)
        connection.close()


def test_mqtt(mosquitto):
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    config = {"host": "127.0.0.1", "port": mosquitto, "topic": "plant/+/temperature"}
    ctx, source = Context(), opened("mqtt", config)
    assert source.receive(ctx, {}, wait_s=1).events == []
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.connect("127.0.0.1", mosquitto)
    sender.loop_start()

    def send(n):
        sender.publish(f"plant/{n}/temperature", json.dumps({"c": n}), qos=1).wait_for_publish(10)

    try:
        send(1)
        assert [event.rows for event in take(source, ctx, 1, store=False)] == [[{"c": 1}]]
        source = again(source, config, "mqtt", ctx)
        assert [event.rows for event in take(source, ctx, 1)] == [[{"c": 1}]], "not acknowledged: it comes again"
        source = again(source, config, "mqtt", ctx)
        send(2)
        found = take(source, ctx, 1)
        assert found[0].rows == [{"c": 2}]
        assert found[0].data["message"]["topic"] == "plant/2/temperature"

        send(3)
        stored = received(source, ctx, {})
        assert [event.rows for event in stored.events] == [[{"c": 3}]]
        source = again(source, config, "mqtt", ctx)  # died between the commit and the acknowledgement
        for _ in range(4):
            repeated = source.receive(ctx, stored.cursor, wait_s=0.5)
            assert repeated.events == [], "it was stored, so it starts nothing again"
        send(3)
        assert [event.rows for event in received(source, ctx, repeated.cursor).events] == [[{"c": 3}]], "another one"
        source.close()
    finally:
        sender.loop_stop()
        sender.disconnect()


def test_nats(nats_server):
    import nats

    config = {"host": "127.0.0.1", "port": nats_server, "subject": "orders.>", "stream": "ORDERS", "batch": 2}

    async def publish(numbers, make=False):
        client = await nats.connect(f"nats://127.0.0.1:{nats_server}")
        stream = client.jetstream()
        if make:
            await stream.add_stream(name="ORDERS", subjects=["orders.>"])
        for n in numbers:
            await stream.publish("orders.new", json.dumps({"n": n}).encode())
        await client.close()

    with pytest.raises(ConfigError, match="no stream 'ORDERS'"):
        opened("nats", config).receive(Context(), {}, wait_s=0.1)
    asyncio.run(publish(range(1, 4), make=True))
    ctx, source = Context(), opened("nats", config)
    first = take(source, ctx, 2, store=False)
    source = again(source, config, "nats", ctx)
    found = take(source, ctx, 3)
    assert [event.key for event in first] == ["ORDERS:1", "ORDERS:2"]
    found.sort(key=lambda event: event.key)
    assert [(event.key, event.rows) for event in found] == [(f"ORDERS:{n}", [{"n": n}]) for n in (1, 2, 3)]
    source = again(source, config, "nats", ctx)
    asyncio.run(publish([4]))
    assert [event.key for event in take(source, ctx, 1)] == ["ORDERS:4"]
    source.close()


@pytest.mark.parametrize(("kind", "more"), [
    ("redis_stream", {"stream": "s"}), ("rabbitmq", {"queue": "q"}), ("mqtt", {"topic": "t"}),
    ("nats", {"subject": "s", "stream": "S"}),
])  # fmt: skip
def test_a_broker_that_is_away_or_forbidden(kind, more, monkeypatch):
    with pytest.raises(TransientError):
        opened(kind, {"host": "127.0.0.1", "port": free_port(), **more}).receive(Context(), {}, wait_s=0.1)
    with pytest.raises(ConfigError):
        opened(kind, {"host": "169.254.169.254", **more}).receive(Context(), {}, wait_s=0.1)
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    with pytest.raises(ConfigError):
        opened(kind, {"host": "127.0.0.1", **more}).receive(Context(), {}, wait_s=0.1)
