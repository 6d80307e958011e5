"""The contract, on mosquitto: what is retained is read, what is published arrives."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import mosquitto
from headrace.testing.records import CITIES, DEVICE_SKIPS, RecordsContract
from paho.mqtt.publish import multiple


@pytest.fixture
def config() -> dict[str, Any]:
    port = mosquitto()
    messages = [(f"city/{city['id']}", json.dumps(city), 1, True) for city in CITIES]
    multiple(messages, hostname="127.0.0.1", port=port)
    return {"host": "127.0.0.1", "port": port, "topics": ["city/#"]}


class TestMqtt(RecordsContract):
    connector_id = "mqtt"
    skip_reasons = dict.fromkeys(DEVICE_SKIPS, "a topic keeps its last retained message only; see the test below")

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_rows_become_retained_messages_of_their_topics(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-mqtt"], strict=True).registry.connector("mqtt")
    options = parse_config(entry.manifest.write_options, {"retain": True, "topic_column": "id"})
    many = pl.DataFrame({"id": range(1_500), "name": ["x"] * 1_500})
    with closing(entry.open(config)) as connector:
        assert connector.write("made", iter([many]), options=options).written == 1_500
        found = rows(connector, connector.stream("made/+"))
        assert sorted(row["id"] for row in found) == list(range(1_500)), "every one, however many"
        told: list[Any] = []
        odd = pl.DataFrame({"id": ["a+b", "ok"]})
        assert connector.write("odd", iter([odd]), options=options, reject=told.extend).rejected == 1
        assert "no part of a topic" in told[0].reason
        connector.write("gone", iter([many.head(2)]))
        with pytest.raises(ConfigError, match="nothing to learn"):
            connector.stream("gone")
        with pytest.raises(ConfigError, match="is a filter"):
            connector.write("a/#", iter([many]))
