"""The contract, on moto's server; peeking leaves everything, consuming takes what was handed on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import parse_config
from headrace.testing.aws import aws_config, client
from headrace.testing.records import CITIES, MessagesContract
from headrace_connector_sqs import SqsReadOptions


class NoWait(SqsReadOptions, kw_only=True):
    """Moto has no late messages."""

    wait_s: int = 0


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto answers at once."""
    monkeypatch.setattr("headrace_connector_sqs.connector.SqsConnector.read_options", NoWait)


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    config = aws_config(region="us-east-2")
    service = client("sqs", config)
    for url in service.list_queues().get("QueueUrls", ()):
        service.delete_queue(QueueUrl=url)
    city = service.create_queue(QueueName="city")["QueueUrl"]
    for one in CITIES:
        service.send_message(QueueUrl=city, MessageBody=json.dumps(one))
    yield config
    service.close()


class TestSqs(MessagesContract):
    connector_id = "sqs"
    skip_reasons = {
        "test_the_same_effect_key_is_one_effect": "class C: a queue keeps no ids; a FIFO queue does, see below"
    }

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "endpoint_url": "http://169.254.169.254", "secret_access_key": "s3cret-and-wrong"}


def test_consuming_takes_what_was_handed_on_and_fifo_takes_a_repeat_once(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-sqs"], strict=True).registry.connector("sqs")
    consume = parse_config(entry.manifest.read_options, {"take": "consume", "wait_s": 0, "columns": {"id": "integer"}})
    with closing(entry.open(config)) as connector:
        stream = connector.stream("city", options=consume)
        reading = connector.read(stream, options=consume, batch_rows=2)
        first = next(reading)["id"].to_list()
        assert next(reading).height == 1
        reading.close()
        rest = [row["id"] for frame in connector.read(stream, options=consume) for row in frame.to_dicts()]
        assert len(rest) == 1
        assert sorted(first + rest) == [1, 2, 5]
        for _ in range(2):
            connector.write("once.fifo", iter([pl.DataFrame({"id": [1, 2, 3]})]), effect_key="e:n")
        stream = connector.stream("once.fifo", options=consume)
        found = [row["id"] for frame in connector.read(stream, options=consume) for row in frame.to_dicts()]
        assert found == [1, 2, 3]
