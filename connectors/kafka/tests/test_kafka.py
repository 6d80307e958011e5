"""The contract, on the mock cluster of librdkafka, over TCP."""

from __future__ import annotations

import json
import secrets
from contextlib import closing
from functools import cache
from typing import Any

import polars as pl
import pytest
from confluent_kafka import Producer
from headrace.plugins.manager import load_plugins
from headrace.sdk import parse_config
from headrace.testing.connector_base import rows
from headrace.testing.records import CITIES, MessagesContract


@cache
def cluster() -> tuple[Producer, str, int]:
    """The cluster lives as long as the client that made it."""
    made = Producer({"test.mock.num.brokers": 1})
    brokers = list(made.list_topics(timeout=60).brokers.values())
    return made, brokers[0].host, brokers[0].port


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    producer, host, port = cluster()
    for city in CITIES:
        producer.produce("city", json.dumps(city).encode(), key=str(city["id"]))
    assert producer.flush(60) == 0
    return {"host": host, "port": port}


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-kafka"], strict=True).registry.connector("kafka").open(config)


class TestKafka(MessagesContract):
    connector_id = "kafka"
    skip_reasons = {
        "test_the_same_effect_key_is_one_effect": "class C: a topic keeps no ids",
        "test_opens_a_new_link_after_a_dropped_one": "the cluster names its own port: the cut link is not used",
    }

    @pytest.fixture(autouse=True)
    def _own_target(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A topic cannot be emptied."""
        monkeypatch.setattr(type(self), "target", f"t{secrets.token_hex(4)}")

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_a_group_goes_on_where_it_stopped(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-kafka"], strict=True).registry.connector("kafka")
    topic, group = f"t{secrets.token_hex(4)}", secrets.token_hex(4)
    keyed = parse_config(entry.manifest.write_options, {"key_column": "id"})
    options = parse_config(entry.manifest.read_options, {"group": group, "columns": {"id": "integer"}})
    with closing(entry.open(config)) as connector:
        connector.write(topic, iter([pl.DataFrame({"id": [1, 2, 3]})]), options=keyed)
        stream = connector.stream(topic, options=options)
        reading = connector.read(stream, options=options, batch_rows=2)
        first = next(reading)["id"].to_list()
        assert next(reading).height == 1  # the first batch was handed on, and is committed
        reading.close()
        again = [row["id"] for frame in connector.read(stream, options=options) for row in frame.to_dicts()]
        assert sorted(first + again) == [1, 2, 3]
        assert list(connector.read(stream, options=options)) == []
        connector.write(topic, iter([pl.DataFrame({"id": [4]})]), options=keyed)
        assert [frame["id"].to_list() for frame in connector.read(stream, options=options)] == [[4]]
        assert {row["_key"] for row in rows(connector, connector.stream(topic))} == {"1", "2", "3", "4"}
