"""The contract, on moto's server."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.aws import aws_config, client
from headrace.testing.connector_base import rows
from headrace.testing.records import CITIES, MessagesContract


@pytest.fixture
def config() -> dict[str, Any]:
    config = aws_config(region="us-west-2")
    service = client("kinesis", config)
    for name in service.list_streams()["StreamNames"]:
        service.delete_stream(StreamName=name)
    for name in ("city", "large_city", "contract_target"):
        service.create_stream(StreamName=name, ShardCount=2)
    for city in CITIES:
        service.put_record(StreamName="city", Data=json.dumps(city).encode(), PartitionKey=str(city["id"]))
    service.close()
    return config


class TestKinesis(MessagesContract):
    connector_id = "kinesis"
    skip_reasons = {"test_the_same_effect_key_is_one_effect": "class C: a stream keeps no ids"}

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "endpoint_url": "http://169.254.169.254", "secret_access_key": "s3cret-and-wrong"}


def test_keys_and_moments(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-kinesis"], strict=True).registry.connector("kinesis")
    keyed = parse_config(entry.manifest.write_options, {"key_column": "name"})
    with closing(entry.open(config)) as connector:
        connector.write("large_city", iter([pl.DataFrame({"name": ["Riga", "Riga"], "n": [1, 2]})]), options=keyed)
        found = rows(connector, connector.stream("large_city"))
        assert [(row["_key"], row["n"]) for row in found] == [("Riga", 1), ("Riga", 2)], "in the order of their shard"
        late = parse_config(entry.manifest.read_options, {"since": "2999-01-01T00:00:00Z", "columns": {"n": "integer"}})
        assert list(connector.read(connector.stream("large_city", options=late), options=late)) == []
        wrong = parse_config(entry.manifest.read_options, {"since": "soon"})
        with pytest.raises(ConfigError, match="'soon' is no moment"):
            connector.stream("large_city", options=wrong)
