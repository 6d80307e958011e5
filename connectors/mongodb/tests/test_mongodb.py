"""The contract, against a server that speaks MongoDB's protocol."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from bson import ObjectId
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, TransientError
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import free_port, mongodb
from headrace.testing.records import CITIES, RecordsContract
from headrace_connector_mongodb.values import plain, sent
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    port, name = mongodb(), f"t{secrets.token_hex(4)}"
    with MongoClient("127.0.0.1", port) as client:
        client[name].city.insert_many([{**city, "_id": city["id"]} for city in CITIES])
        yield {"host": "127.0.0.1", "port": port, "database": name}
        client.drop_database(name)


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-mongodb"], strict=True).registry.connector("mongodb").open(config)


class TestMongodb(RecordsContract):
    connector_id = "mongodb"
    skip_reasons = {
        "test_decimals_are_exact": "nx-27017 holds no Decimal128; that values are exact is tested below",
        "test_append_adds_and_overwrite_replaces": "nx-27017 says that it has renamed a collection, and has not",
    }

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "password": "s3cret-and-wrong", "user": "nobody"}


def test_values_of_documents(config: dict[str, Any]) -> None:
    one = ObjectId("65f000000000000000000001")
    with MongoClient("127.0.0.1", config["port"]) as client:
        client[config["database"]].things.insert_one(
            {"_id": one, "price": 1.5, "tags": ["a", one], "at": {"city": "Bern"}}
        )
    with closing(opened(config)) as connector:
        stream = connector.stream("things")
        assert [(c.name, str(c.type)) for c in stream.columns] == [
            ("_id", "text"), ("price", "float"), ("tags", "json"), ("at", "json"),
        ]  # fmt: skip
        (row,) = rows(connector, stream)
        assert (row["_id"], row["price"], row["tags"]) == (str(one), 1.5, f'["a","{one}"]')
        frame = pl.DataFrame({"k": [1], "nested": [{"a": [1, 2]}]})
        connector.write("made", iter([frame]), mode="upsert", keys=["k"])
        connector.write("made", iter([frame]), mode="upsert", keys=["k"])
    with MongoClient("127.0.0.1", config["port"]) as client:
        (made,) = client[config["database"]].made.find()
        assert made["nested"] == {"a": [1, 2]}


def test_decimals_and_moments_are_exact() -> None:
    for text in ("12345678901234567890.0123456789", "-0.0000000001", "1E+30"):
        assert plain(sent(Decimal(text))) == Decimal(text)
    assert sent(Decimal("1" * 38)) == "1" * 38, "more digits than it has are text"
    at = dt.datetime(2024, 7, 1, 12, 0, 0, 123000, tzinfo=dt.UTC)
    assert sent(at) == at
    assert sent(at.replace(microsecond=123456)) == "2024-07-01T12:00:00.123456+00:00"


def test_errors_are_ours(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        assert isinstance(connector.trouble(OperationFailure("x", 18)), AuthError)
        assert isinstance(connector.trouble(AutoReconnect("x")), TransientError)
        assert connector.trouble(KeyError("bug")) is None


def test_a_server_that_is_away(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_connector_mongodb.connector.AWAY_MS", 200)
    with (
        closing(opened({**config, "port": free_port()})) as connector,
        pytest.raises(TransientError, match="not answer"),
    ):
        connector.check()
