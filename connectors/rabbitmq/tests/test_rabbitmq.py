"""The contract, on a RabbitMQ; peeking leaves everything, consuming takes what was handed on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pika
import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.records import CITIES, MessagesContract
from headrace.testing.services import needs

QUEUES = ("city", "large_city", "contract_target")


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    url = urlsplit(needs("rabbitmq"))
    with closing(pika.BlockingConnection(pika.URLParameters(url.geturl()))) as connection:
        channel = connection.channel()
        for name in QUEUES:
            channel.queue_delete(name)
        channel.queue_declare("city", durable=True)
        for city in CITIES:
            channel.basic_publish(
                "", "city", json.dumps(city).encode(), pika.BasicProperties(message_id=f"c{city['id']}")
            )
        yield {"host": url.hostname, "port": url.port or 5672, "user": url.username or "guest",
               "password": url.password or "guest", "queues": ["city"]}  # fmt: skip
        for name in QUEUES:
            connection.channel().queue_delete(name)


class TestRabbitmq(MessagesContract):
    connector_id = "rabbitmq"
    skip_reasons = {"test_the_same_effect_key_is_one_effect": "class C: a broker keeps no ids, see the test below"}

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "user": "nobody", "password": "s3cret-and-wrong"}


def test_what_a_repeat_publishes_has_the_same_ids(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-rabbitmq"], strict=True).registry.connector("rabbitmq")
    consume = parse_config(entry.manifest.read_options, {"take": "consume"})
    with closing(entry.open(config)) as connector:
        for _ in range(2):
            connector.write("large_city", iter([pl.DataFrame({"id": [1, 2]})]), effect_key="e:n")
        found = rows(connector, connector.stream("large_city"))
        assert [row["id"] for row in found] == [1, 2, 1, 2]
        assert [row["_id"] for row in found[:2]] == [row["_id"] for row in found[2:]]
        stream = connector.stream("large_city")
        reading = connector.read(stream, options=consume, batch_rows=3)
        assert next(reading).height == 3
        reading.close()
        assert len(rows(connector, stream)) == 4, "what was not handed on is still there"
        assert [frame.height for frame in connector.read(stream, options=consume, batch_rows=3)] == [3, 1]
        with pytest.raises(ConfigError, match="nothing to learn"):
            connector.stream("large_city")
        with pytest.raises(ConfigError, match="no queue 'nowhere'"):
            connector.stream("nowhere")
        options = parse_config(entry.manifest.write_options, {"exchange": "amq.topic"})
        with pytest.raises(ConfigError, match="bind one"):
            connector.write("to.nobody", iter([pl.DataFrame({"id": [1]})]), options=options)
