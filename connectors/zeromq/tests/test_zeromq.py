"""The contract where sockets have one, and both patterns on libzmq, with CURVE."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zmq
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Taking, TransientError, parse_config
from headrace.testing.connector_base import nasty
from headrace.testing.counterparts import free_port
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme
from headrace.testing.records import CITIES, DEVICE_SKIPS, RecordsContract
from zmq.auth.thread import ThreadAuthenticator

COLUMNS = {"id": "integer", "name": "text", "area": "float"}
_TAKEN = "a message that was looked at is taken; the tests below read what they have sent"


class Peer:
    """The other program: sockets that are bound, `out` gives and `in_` takes."""

    def __init__(self, out: int, in_: int, server: tuple[bytes, bytes] | None = None) -> None:
        self.context = zmq.Context()
        self.out, self.in_ = self.context.socket(out), self.context.socket(in_)
        for socket in (self.out, self.in_):
            socket.linger = 0
            if server:
                socket.curve_server, socket.curve_publickey, socket.curve_secretkey = True, *server
        self.ports = self.out.bind_to_random_port("tcp://127.0.0.1"), self.in_.bind_to_random_port("tcp://127.0.0.1")
        self.in_.rcvtimeo = 10_000
        self.config = {"host": "127.0.0.1", "port": self.ports[0], "write_port": self.ports[1], "quiet_s": 0.3}

    def close(self) -> None:
        self.context.destroy(linger=0)


@pytest.fixture
def pipeline() -> Iterator[Peer]:
    made = Peer(zmq.PUSH, zmq.PULL)
    yield made
    made.close()


@pytest.fixture
def publisher() -> Iterator[Peer]:
    made = Peer(zmq.XPUB, zmq.SUB)
    made.in_.subscribe("")
    yield made
    made.close()


def entry() -> Any:
    return load_plugins(only=["connector-zeromq"], strict=True).registry.connector("zeromq")


def options(**given: Any) -> Any:
    return parse_config(entry().manifest.read_options, {"columns": COLUMNS, **given})


def read(connector: Any, name: str = "*", **given: Any) -> list[dict[str, Any]]:
    said = options(**given)
    stream = connector.stream(name, options=said)
    return [row for frame in connector.read(stream, options=said) for row in frame.to_dicts()]


class TestZeromq(RecordsContract):
    connector_id = "zeromq"
    skip_reasons = {
        **DEVICE_SKIPS,
        **{rule: why for rule, why in no_streams(_TAKEN).items() if "discover" not in rule},
        "test_batches_are_bounded": _TAKEN,
    }  # fmt: skip

    @pytest.fixture
    def config(self, pipeline: Peer) -> dict[str, Any]:
        return pipeline.config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "server_key": "x", "secret_key": "s3cret-and-wrong"}

    def test_the_readme_has_an_example_that_runs(self, pipeline: Peer, tmp_path: Path) -> None:  # type: ignore[override]
        """Overrides the shared rule: the messages wait in a socket until they are pulled."""
        sender = threading.Thread(target=lambda: [pipeline.out.send(json.dumps(city).encode()) for city in CITIES])
        sender.start()
        finished = execute_readme(Path(__file__).parents[1], {"Sockets": ("zeromq", pipeline.config)})
        sender.join(10)
        assert (finished["cities"].rows_out, finished["large"].rows_out) == (3, 1)
        assert json.loads(pipeline.in_.recv()) == CITIES[2]


def test_a_pipeline_gives_and_takes_every_row(pipeline: Peer) -> None:
    many = pl.DataFrame({"id": range(20_000), "name": ["x" * 50] * 20_000})
    taken: list[Any] = []
    taker = threading.Thread(target=lambda: [taken.append(json.loads(pipeline.in_.recv())) for _ in range(20_000)])
    taker.start()
    with closing(entry().open(pipeline.config)) as connector:
        connector.check()
        assert connector.write("*", iter([many])).written == 20_000
        taker.join(30)
        assert [one["id"] for one in taken] == list(range(20_000))

        sender = threading.Thread(target=lambda: [pipeline.out.send(json.dumps(one).encode()) for one in taken])
        sender.start()
        found = read(connector)
        sender.join(10)
        assert [row["id"] for row in found] == list(range(20_000)), "check and discover took none of them"
        assert read(connector) == []
        with pytest.raises(ConfigError, match="no topics"):
            read(connector, "orders")


def test_messages_are_taken_as_they_come(pipeline: Peer) -> None:
    """The socket stays open between two looks: what comes in between waits in it."""
    with closing(entry().open(pipeline.config)) as connector:
        asked = Taking(stream="*", most=2, wait_s=5)
        found = []
        sent = [json.dumps({"id": number}).encode() for number in range(3)]
        sender = threading.Thread(target=lambda: [pipeline.out.send(one) for one in sent])
        sender.start()  # it waits until somebody has connected
        while len(found) < 3:
            taken = connector.take(asked)
            connector.acknowledge()
            assert 1 <= len(taken.messages) <= 2
            found += taken.messages
        sender.join(10)
        assert [one.row["id"] for one in found] == [0, 1, 2]
        assert len({one.key for one in found}) == 3
        assert connector.take(Taking(stream="*", wait_s=0.1)).messages == []
        with pytest.raises(ConfigError, match="no topics"):
            entry().open(pipeline.config).take(Taking(stream="orders"))


def test_a_read_ends_by_its_bounds(pipeline: Peer) -> None:
    stop = threading.Event()

    def chatter() -> None:
        number = 0
        while not stop.is_set():
            try:
                pipeline.out.send(json.dumps({"id": number}).encode(), zmq.NOBLOCK)
                number += 1
            except zmq.Again:
                pass
            time.sleep(0.005)

    talker = threading.Thread(target=chatter)
    talker.start()
    try:
        with closing(entry().open(pipeline.config)) as connector:
            assert len(read(connector, max_messages=10)) == 10
            at = time.monotonic()
            assert len(read(connector, listen_s=1)) > 10
            assert time.monotonic() - at < 3
    finally:
        stop.set()
        talker.join()


def test_topics_are_subscribed_to_and_published(publisher: Peer) -> None:
    config = {**publisher.config, "pattern": "publish"}
    with closing(entry().open(config)) as connector:
        connector.check()

        def later() -> None:
            publisher.out.rcvtimeo = 10_000
            while publisher.out.recv() != b"\x01city":  # a subscription
                pass
            for topic, body in ((b"country", b"{}"), (b"city", b'{"id": 7}'), (b"city", b"no json")):
                publisher.out.send_multipart([topic, body])

        talker = threading.Thread(target=later)
        talker.start()
        stream = connector.stream("city")
        found = [row for frame in connector.read(stream) for row in frame.to_dicts()]
        talker.join(10)
        assert [(row["_topic"], row["text"]) for row in found] == [("city", '{"id": 7}'), ("city", "no json")]
        taken: list[Any] = []  # a socket works only while it is asked
        taker = threading.Thread(target=lambda: taken.extend(publisher.in_.recv_multipart() for _ in range(5)))
        taker.start()
        assert connector.write("large", iter([nasty()])).written == nasty().height == 5
        taker.join(10)
        assert {topic for topic, _ in taken} == {b"large"}
        assert [json.loads(body) for _, body in taken] == nasty().to_dicts()


def test_curve_encrypts_and_proves_both_sides() -> None:
    server, client, other = (zmq.curve_keypair() for _ in range(3))
    peer = Peer(zmq.XPUB, zmq.SUB, server)
    peer.close()
    context = zmq.Context()
    guard = ThreadAuthenticator(context)
    guard.start()
    socket = context.socket(zmq.PULL)
    try:
        guard.configure_curve_callback(domain="*", credentials_provider=Known(client[0]))
        socket.linger, socket.rcvtimeo, socket.curve_server = 0, 10_000, True
        socket.curve_publickey, socket.curve_secretkey = server
        port = socket.bind_to_random_port("tcp://127.0.0.1")

        def config(keys: tuple[bytes, bytes], theirs: bytes = server[0]) -> dict[str, Any]:
            return {"host": "127.0.0.1", "port": port, "write_port": port, "server_key": theirs.decode(),
                    "public_key": keys[0].decode(), "secret_key": keys[1].decode()}  # fmt: skip

        frame = pl.DataFrame({"id": [1]})
        with closing(entry().open(config(client))) as connector:
            assert connector.write("*", iter([frame])).written == 1
            assert json.loads(socket.recv()) == {"id": 1}
        for wrong in (config(other), config(client, other[0])):
            with closing(entry().open(wrong)) as connector, pytest.raises((AuthError, TransientError)) as caught:
                connector.write("*", iter([frame]))
            assert wrong["secret_key"] not in str(caught.value)
        with (
            closing(entry().open({**config(client), "public_key": "short"})) as connector,
            pytest.raises(ConfigError, match="40 characters"),
        ):
            connector.write("*", iter([frame]))
    finally:
        guard.stop()
        context.destroy(linger=0)


class Known:
    """Lets one client in."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def callback(self, _domain: str, key: bytes) -> bool:
        return key == self.key


def test_who_is_away_or_no_socket_is_told(pipeline: Peer) -> None:
    frame = pl.DataFrame({"id": [1]})
    silent = entry().open({**pipeline.config, "write_port": 0})
    with closing(silent) as connector, pytest.raises(ConfigError, match="no port to write to"):
        connector.write("*", iter([frame]))
    away = entry().open({**pipeline.config, "port": free_port()})
    with closing(away) as connector, pytest.raises(TransientError, match="does not answer"):
        connector.check()
