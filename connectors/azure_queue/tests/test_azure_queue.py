"""The contract over queues of azurite; consuming deletes, peeking gives back, hiding is renewed, poison is rejected."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import binary, free_port, started
from headrace.testing.records import CITIES, MessagesContract
from headrace_connector_azure_queue.api import Queues

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, printed in its documents."""


@cache
def azurite() -> str:
    port = free_port()
    started([binary("azurite-queue"), "--queueHost", "127.0.0.1", "--queuePort", str(port), "--silent",
             "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"],
            port)  # fmt: skip
    return f"http://127.0.0.1:{port}/{ACCOUNT}"


def entry() -> Any:
    return load_plugins(only=["connector-azure_queue"], strict=True).registry.connector("azure_queue")


def queues(config: dict[str, Any]) -> Queues:
    return Queues(parse_config(entry().manifest.config, config))


def options(**given: Any) -> Any:
    return parse_config(entry().manifest.read_options, given)


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    config = {"account": ACCOUNT, "account_key": KEY, "endpoint": azurite()}
    with closing(queues(config)) as made:
        for name in made.names():
            made._call("DELETE", name)
        made.make("city")
        for city in CITIES:
            made.put("city", b64encode(json.dumps(city).encode()).decode())
        yield config


class TestAzureQueue(MessagesContract):
    connector_id = "azure_queue"
    target = "contract-target"
    skip_reasons = {
        "test_the_same_effect_key_is_one_effect": "class C: the service keeps no ids",
        "test_many_rows_in_bounded_memory": "a request for each message: many of them take an hour",
    }

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "account_key": "c2VjcmV0LWFuZC13cm9uZw=="}


def test_consuming_deletes_what_was_handed_on(config: dict[str, Any]) -> None:
    consume = options(take="consume", columns={"id": "integer"})
    with closing(entry().open(config)) as connector:
        stream = connector.stream("city", options=consume)
        reading = connector.read(stream, options=consume, batch_rows=2)
        first = next(reading)["id"].to_list()
        assert next(reading).height == 1
        reading.close()
        rest = [row["id"] for frame in connector.read(stream, options=consume) for row in frame.to_dicts()]
        assert (len(rest), sorted(first + rest)) == (1, [1, 2, 5])
        assert [frame.height for frame in connector.read(stream, options=consume)] == []
        few = options(take="consume", columns={"id": "integer"}, max_messages=70)
        connector.write("many", iter([pl.DataFrame({"id": range(100)})]))
        stream = connector.stream("many", options=few)
        assert sum(frame.height for frame in connector.read(stream, options=few)) == 70
        assert sum(frame.height for frame in connector.read(stream, options=few)) == 30


def test_a_long_read_renews_the_hiding(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    said = options(take="consume", columns={"id": "integer"}, hidden_s=10)
    with closing(entry().open(config)) as connector, closing(queues(config)) as other:
        stream = connector.stream("city", options=said)
        reading = connector.read(stream, options=said, batch_rows=1)
        next(reading)
        before = [one.receipt for one in (*connector._held, *connector._rest)]
        at = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: at + 6)
        next(reading)
        after = [one.receipt for one in (*connector._held, *connector._rest)]
        assert (len(before), len(after)) == (3, 2), "the first was handed on and deleted"
        assert not set(before) & set(after), "each has a new receipt"
        monkeypatch.undo()
        assert other.take("city", 10, 32) == []
        rest = [row["id"] for frame in reading for row in frame.to_dicts()]
        assert len(rest) == 1
        assert connector._held == []
    with closing(queues(config)) as other:
        time.sleep(0.1)
        assert other.take("city", 10, 32) == [], "all were deleted with the receipts that the renewal gave"


def test_what_comes_too_often_is_rejected_and_gone(config: dict[str, Any]) -> None:
    said = options(take="consume", columns={"id": "integer"}, reject_after=2)
    told: list[Any] = []
    with closing(entry().open(config)) as connector:
        found = rows(connector, connector.stream("city"))
        assert [row["_received"] for row in found] == [2, 2, 2], "looked at for the columns, and read"
        stream = connector.stream("city", options=said)
        assert list(connector.read(stream, options=said, reject=told.extend)) == []
        assert [one.reason for one in told] == ["the message came 3 times, and 2 are allowed"] * 3
        assert [frame.height for frame in connector.read(stream, options=said)] == []


def test_messages_of_others_are_read_as_they_are(config: dict[str, Any]) -> None:
    name = f"odd-{uuid4().hex[:8]}"
    with closing(queues(config)) as made:
        made.make(name)
        for text in ("plain <text> & more", '{"id": 1}', b64encode(b"\xff\xfe").decode()):
            made.put(name, text)
    with closing(entry().open(config)) as connector:
        said = options(columns={"id": "integer", "text": "text", "base64": "text"})
        found = rows(connector, connector.stream(name, options=said))
    told = sorted(((row["id"], row["text"], row["base64"]) for row in found), key=str)
    assert told == sorted([(None, "plain <text> & more", None), (1, None, None), (None, None, "//4=")], key=str)


def test_tokens_and_names_are_told_where_they_are_wrong(config: dict[str, Any]) -> None:
    with closing(entry().open({**config, "account_key": "", "sas_token": "?sv=1&sig=s3cret"})) as connector:
        with pytest.raises(AuthError, match="refuse the key or the token") as caught:
            connector.check()
        assert "s3cret" not in str(caught.value)
    with closing(entry().open(config)) as connector:
        with pytest.raises(ConfigError, match="queue's name"):
            connector.write("No_Such_Name", iter([pl.DataFrame({"id": [1]})]))
        with pytest.raises(ConfigError, match="nothing to learn"):
            connector.stream("nowhere")
        told: list[Any] = []
        big = pl.DataFrame({"id": ["x" * 50_000, "y"]})
        assert connector.write("big", iter([big]), reject=told.extend).written == 1
        assert "are allowed" in told[0].reason
    with pytest.raises(ConfigError, match="no base64"):
        Queues(parse_config(entry().manifest.config, {**config, "account_key": "??"}))
