"""The contract, on mosquitto: an edge node that births on request; sequences, aliases, deaths and commands."""

from __future__ import annotations

import datetime as dt
import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, Taking, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import mosquitto
from headrace.testing.records import DEVICE_SKIPS, RecordsContract
from headrace_connector_mqtt_sparkplug.host import Host
from headrace_connector_mqtt_sparkplug.payload import NUMBERS, Payload, fill, value_of
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

AT = 1_711_846_799_000
CITIES = {"name": ("String", "Riga"), "area": ("Double", 304.0), "count": ("Int16", -3)}


def message(seq: int | None, metrics: list[tuple[Any, ...]] = ()) -> bytes:  # type: ignore[assignment]
    """A payload of (name or alias, kind, value, alias?)."""
    payload = Payload(timestamp=AT)
    if seq is not None:
        payload.seq = seq
    for name, kind, value, *alias in metrics:
        metric = payload.metrics.add(timestamp=AT, **({"name": name} if isinstance(name, str) else {"alias": name}))
        fill(metric, kind, value)
        if alias:
            metric.alias = alias[0]
    return bytes(payload.SerializeToString())


def birth() -> list[tuple[str, bytes]]:
    """What a node answers when it is asked."""
    named = [(name, kind, value, alias) for alias, (name, (kind, value)) in enumerate(CITIES.items(), 10)]
    return [("NBIRTH/{node}", message(0, [("bdSeq", "UInt64", 1), ("up", "Boolean", True, 1)])),
            ("DBIRTH/{node}/door", message(1, named))]  # fmt: skip


class Node:
    """An edge node of the test; it answers commands, and remembers them."""

    def __init__(self, port: int, group: str, answers: list[tuple[str, bytes]] | None = None) -> None:
        self.group, self.commands, self.seen = group, list[tuple[str, Any]](), list[tuple[str, bytes]]()
        self.answers = birth() if answers is None else answers
        self.ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._took
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.subscribe(f"spBv1.0/{group}/#")
        self.client.loop_start()
        assert self.ready.wait(10)

    def _took(self, _client: Any, _data: Any, one: Any) -> None:
        self.seen.append((one.topic, bytes(one.payload)))
        _, _, kind, *rest = one.topic.split("/")
        if kind in {"NCMD", "DCMD"}:
            payload = Payload.FromString(bytes(one.payload))
            self.commands += [("/".join(rest), metric) for metric in payload.metrics]
            if payload.metrics[0].name == "Node Control/Rebirth" and rest == ["oven"]:
                self.say(*self.answers)

    def say(self, *told: tuple[str, bytes]) -> None:
        for topic, body in told:
            self.client.publish(f"spBv1.0/{self.group}/{topic.format(node='oven')}", body)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def group() -> str:
    return f"plant-{uuid4().hex[:8]}"


@pytest.fixture
def node(group: str) -> Iterator[Node]:
    made = Node(mosquitto(), group)
    yield made
    made.close()


def settings(group: str, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": mosquitto(), "nodes": [f"{group}/oven"], "quiet_s": 0.25, **more}


class TestMqttSparkplug(RecordsContract):
    connector_id = "mqtt_sparkplug"
    example_rows = (3, 1)
    skip_reasons = {**DEVICE_SKIPS, "test_batches_are_bounded": "a device has its own metrics; see the tests below"}

    @pytest.fixture
    def config(self) -> Iterator[dict[str, Any]]:
        made = Node(mosquitto(), "plant")
        yield settings("plant")
        made.close()

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def entry() -> Any:
    return load_plugins(only=["connector-mqtt_sparkplug"], strict=True).registry.connector("mqtt_sparkplug")


def test_births_are_read_as_metrics(group: str, node: Node) -> None:
    with closing(entry().open(settings(group))) as connector:
        found = rows(connector, connector.stream(f"{group}/oven"))
        assert [(row["device"], row["metric"], row["datatype"], row["number"], row["text"]) for row in found] == [
            ("", "bdSeq", "UInt64", 1.0, None), ("", "up", "Boolean", 1.0, None),
            ("door", "name", "String", None, "Riga"), ("door", "area", "Double", 304.0, None),
            ("door", "count", "Int16", -3.0, None),
        ]  # fmt: skip
        assert {row["at"] for row in found} == {dt.datetime.fromtimestamp(AT / 1000, dt.UTC)}
        assert [row["metric"] for row in rows(connector, connector.stream(f"{group}/oven/door"))] == list(CITIES)
        assert {row["node"] for row in rows(connector, connector.stream(f"{group}/+"))} == {"oven"}
        with pytest.raises(ConfigError, match="names no node"):
            rows(connector, connector.stream("plant"))


def test_metrics_are_taken_from_the_birth_on(group: str, node: Node) -> None:
    with closing(entry().open(settings(group))) as connector:
        found: list[Any] = []
        end = time.monotonic() + 20
        while len(found) < 5 and time.monotonic() < end:
            found += connector.take(Taking(stream=f"{group}/oven", wait_s=1)).messages
            connector.acknowledge()
        assert [one.row["metric"] for one in found] == ["bdSeq", "up", "name", "area", "count"]
        assert len({one.key for one in found}) == 5
        assert connector.take(Taking(stream=f"{group}/oven", wait_s=0.2)).messages == [], "each is given once"


def test_a_gap_asks_for_a_birth_and_an_alias_waits_for_it(group: str, node: Node) -> None:
    """The node is not listed: its first data has an alias only, and its birth comes when it is asked."""
    config = settings(group, nodes=[], quiet_s=1)
    with closing(entry().open(config)) as connector:
        stream = connector.stream(f"{group}/oven", options=parse_config(entry().manifest.read_options, {
            "columns": {"metric": "text", "number": "float", "message": "text"}}))  # fmt: skip

        def later() -> None:
            time.sleep(0.1)
            node.say(("DDATA/{node}/door", message(7, [(11, "Double", 1.5)])))

        threading.Thread(target=later).start()
        found = rows(connector, stream)
    told = [(row["metric"], row["number"]) for row in found if row["message"] == "DDATA"]
    assert told == [("area", 1.5)], "by the name that its birth gives"
    assert [metric.name for _, metric in node.commands] == ["Node Control/Rebirth"]


def test_a_host_counts_gaps_and_tells_deaths() -> None:
    host, where = Host(), "spBv1.0/p/{}/n"

    def told(kind: str, raw: bytes) -> list[Any]:
        return list(host.rows(where.format(kind), raw))

    told("NBIRTH", message(0, [("t", "Float", 1.0, 1)]))
    assert [row["number"] for row in told("NDATA", message(1, [(1, "Float", 2.0)]))] == [2.0]
    assert (host.gaps, host.wanted) == (0, set())
    assert [row["number"] for row in told("NDATA", message(3, [(1, "Float", 4.0)]))] == [4.0], "a value is not lost"
    assert (host.gaps, host.wanted) == (1, {("p", "n")})
    told("NDATA", message(5))
    assert host.gaps == 2
    told("NBIRTH", message(0, [("t", "Float", 1.0, 1)]))
    for seq in range(1, 300):
        told("NDATA", message(seq % 256, [(1, "Float", 0.0)]))
    assert host.gaps == 2, "255 is followed by 0"
    (death,) = told("NDEATH", message(None, [("bdSeq", "UInt64", 1)]))
    assert (death["quality"], death["message"]) == (500, "NDEATH")
    assert told("NDATA", message(1, [(9, "Float", 2.0)])) == [], "it waits"
    (lost,) = host.rest()
    assert "alias 9 of 'p/n' is in no birth" in lost.reason
    (odd,) = told("NDATA", b"\xff\xff")
    assert "no payload of Sparkplug B" in odd.reason
    assert list(host.rows("spBv1.0/STATE/host", b"{}")) == []


def test_what_cannot_be_read_is_rejected(group: str, node: Node) -> None:
    node.answers = [*birth(), ("NDATA/{node}", b"\xff\xff"), ("NDATA/{node}", message(2, [(99, "Int8", 1)]))]
    with closing(entry().open(settings(group))) as connector:
        stream, told = connector.stream(f"{group}/oven"), list[Any]()
        found = [row for frame in connector.read(stream, reject=told.extend) for row in frame.to_dicts()]
        assert len([row for row in found if row["device"]]) >= 3
        assert {"no payload" in one.reason or "in no birth" in one.reason for one in told} == {True}
        assert len(told) == 2
        assert len(node.commands) == 2, "asked once by the look at its columns, once by the read, and not for ever"
        with pytest.raises(DataError, match="Sparkplug B"):
            rows(connector, stream)


@pytest.mark.parametrize(("kind", "value", "expected"), [
    ("Int8", -1, (-1.0, None)), ("UInt8", 255, (255.0, None)), ("Int32", -(2**31), (-(2.0**31), None)),
    ("UInt32", 2**32 - 1, (2.0**32 - 1, None)), ("Int64", -(2**63), (-(2.0**63), str(-(2**63)))),
    ("UInt64", 2**64 - 1, (2.0**64, str(2**64 - 1))), ("Float", 0.5, (0.5, None)), ("Double", 1e300, (1e300, None)),
    ("Boolean", False, (0.0, None)), ("Text", "Gr\u00fc\u00dfe \U0001f600", (None, "Gr\u00fc\u00dfe \U0001f600")),
    ("DateTime", dt.datetime(2024, 3, 31, 1, tzinfo=dt.UTC), (1711846800000.0, "2024-03-31T01:00:00+00:00")),
    ("Bytes", b"\0\1", (None, "AAE=")), ("Double", None, (None, None)),
])  # fmt: skip
def test_values_keep_their_datatype(kind: str, value: Any, expected: Any) -> None:
    metric = Payload().metrics.add()
    fill(metric, kind, value)
    assert value_of(Payload.FromString(_with(metric)).metrics[0], kind) == expected
    assert metric.datatype == NUMBERS[kind]


def _with(metric: Any) -> bytes:
    payload = Payload()
    payload.metrics.append(metric)
    return bytes(payload.SerializeToString())


@pytest.mark.parametrize(("kind", "value"), [("Int8", 128), ("UInt16", -1), ("Int32", 1.5), ("Double", "x")])
def test_a_value_that_does_not_fit_is_told(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"is no {kind}"):
        fill(Payload().metrics.add(), kind, value)


def test_arrays_and_tables_are_json() -> None:
    metric = Payload().metrics.add(bytes_value=struct.pack("<2h", 1, -2))
    assert value_of(metric, "Int16Array") == (None, "[1,-2]")
    metric.bytes_value = b"a\0b\0"
    assert value_of(metric, "StringArray") == (None, '["a","b"]')
    metric.bytes_value = struct.pack("<I", 3) + bytes([0b10100000])
    assert value_of(metric, "BooleanArray") == (None, "[true,false,true]")
    table = Payload().metrics.add().dataset_value
    table.columns.extend(["n", "t"])
    table.types.extend([NUMBERS["Int8"], NUMBERS["String"]])
    row = table.rows.add()
    row.elements.add(int_value=255)
    row.elements.add(string_value="x")
    metric = Payload().metrics.add(dataset_value=table)
    assert json.loads(str(value_of(metric, "DataSet")[1])) == [{"n": -1.0, "t": "x"}]


def test_rows_are_a_node_of_ones_own(group: str, node: Node) -> None:
    """Birth, data and death in one sequence, as a host of the test reads them; a host that asks gets a birth."""
    options = parse_config(entry().manifest.write_options, {"time_column": "when"})
    when = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=n) for n in range(300)]
    frame = pl.DataFrame({"temp": [n / 2 for n in range(300)], "label": ["a", None] * 150, "when": when})
    with closing(entry().open(settings(group))) as connector:
        done = connector.write(f"{group}/mine/unit", iter([frame]), options=options)
        assert (done.written, done.rejected) == (300, 0)
        with pytest.raises(ConfigError, match="is a filter"):
            connector.write(f"{group}/+", iter([frame]), options=options)
    host, found = Host(), list[Any]()
    end = time.monotonic() + 10
    while not any("/NDEATH/" in topic for topic, _ in node.seen) and time.monotonic() < end:
        time.sleep(0.02)
    for topic, raw in node.seen:
        found += host.rows(topic, raw)
    kinds = [topic.split("/")[2] for topic, _ in node.seen if "/mine" in topic]
    assert kinds[:2] == ["NBIRTH", "DBIRTH"]
    assert kinds[-1] == "NDEATH"
    assert host.gaps == 0
    data = [row for row in found if row["message"] == "DDATA"]
    assert [row["number"] for row in data if row["metric"] == "temp"] == [n / 2 for n in range(300)]
    assert [row["text"] for row in data if row["metric"] == "label"][:2] == ["a", None]
    assert [row["at"] for row in data if row["metric"] == "temp"] == when
    birth_seq = next(Payload.FromString(raw) for topic, raw in node.seen if "/NBIRTH/" in topic)
    death = next(Payload.FromString(raw) for topic, raw in node.seen if "/NDEATH/" in topic)
    assert birth_seq.metrics[0].long_value == death.metrics[0].long_value, "the death is of this life"


def test_commands_go_to_nodes_and_devices(group: str, node: Node) -> None:
    options = parse_config(entry().manifest.write_options, {"role": "command"})
    frame = pl.DataFrame({"metric": ["set", "mode", "set", None], "number": [20.5, None, 300.0, 1.0],
                          "text": [None, "auto", None, None], "datatype": ["Float", None, "Int8", None]})  # fmt: skip
    told: list[Any] = []
    with closing(entry().open(settings(group))) as connector:
        done = connector.write(f"{group}/oven/door", iter([frame]), options=options, reject=told.extend)
        assert (done.written, done.rejected) == (2, 2)
        assert "is no Int8" in told[0].reason
        with pytest.raises(ConfigError, match="need a column 'metric'"):
            connector.write(f"{group}/oven", iter([pl.DataFrame({"x": [1]})]), options=options)
    end = time.monotonic() + 10
    while len(node.commands) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    assert [(where, m.name, value_of(m, "Float" if m.name == "set" else "String")) for where, m in node.commands] == [
        ("oven/door", "set", (20.5, None)), ("oven/door", "mode", (None, "auto")),
    ]  # fmt: skip
