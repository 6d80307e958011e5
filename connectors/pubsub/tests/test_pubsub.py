"""The contract on Google's own emulator; consuming acknowledges, peeking gives back, hiding is renewed."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.kits.http.google import TOKEN_URL
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, parse_config
from headrace.sdk.egress_http import Answer
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import binary, free_port, started
from headrace.testing.records import CITIES, MessagesContract
from headrace_connector_pubsub.api import Api

PLACE = Path("/usr/lib/google-cloud-sdk/platform/pubsub-emulator/bin/cloud-pubsub-emulator")
QUEUES = ("city", "large_city", "contract_target")


@cache
def emulator() -> str:
    port = free_port()
    program = str(PLACE) if PLACE.exists() else binary("cloud-pubsub-emulator", "google-cloud-cli-pubsub-emulator")
    started([program, "--host=127.0.0.1", f"--port={port}"], port)
    return f"http://127.0.0.1:{port}"


def entry() -> Any:
    return load_plugins(only=["connector-pubsub"], strict=True).registry.connector("pubsub")


def options(**given: Any) -> Any:
    return parse_config(entry().manifest.read_options, given)


def api(config: dict[str, Any]) -> Api:
    return Api(parse_config(entry().manifest.config, config))


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    config = {"project": "headrace-tests", "endpoint": emulator(), "quiet_s": 0.1}
    with closing(api(config)) as made:
        for kind in ("subscriptions", "topics"):
            for name in list(made.listed(kind)):
                made.call("DELETE", made.path(kind, name))
        for name in QUEUES:
            made.call("PUT", made.path("topics", name), {})
            made.call("PUT", made.path("subscriptions", name), {"topic": made.path("topics", name)})
        said = [{"data": b64encode(json.dumps(city).encode()).decode()} for city in CITIES]
        made.call("POST", f"{made.path('topics', 'city')}:publish", {"messages": said})
        yield config


class TestPubsub(MessagesContract):
    connector_id = "pubsub"
    skip_reasons = {"test_the_same_effect_key_is_one_effect": "class C: repeats have the same attribute, see below"}

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "private_key": '{"client_email": "x@y", "private_key": "s3cret-and-wrong"}'}


def test_consuming_acknowledges_what_was_handed_on(config: dict[str, Any]) -> None:
    consume = options(take="consume", columns={"id": "integer"})
    with closing(entry().open(config)) as connector:
        stream = connector.stream("city", options=consume)
        reading = connector.read(stream, options=consume, batch_rows=2)
        first = next(reading)["id"].to_list()
        assert next(reading).height == 1
        reading.close()
        rest = [row["id"] for frame in connector.read(stream, options=consume) for row in frame.to_dicts()]
        assert sorted(first + rest) == [1, 2, 5]
        assert list(connector.read(stream, options=consume)) == []
        few = options(take="consume", columns={"id": "integer"}, max_messages=1_200)
        connector.write("large_city", iter([pl.DataFrame({"id": range(2_000)})]))
        stream = connector.stream("large_city", options=few)
        found = [row["id"] for _ in range(2) for f in connector.read(stream, options=few) for row in f.to_dicts()]
        assert sorted(found) == list(range(2_000)), "every one, once, however often it is read"


def test_a_long_read_keeps_its_messages(config: dict[str, Any]) -> None:
    """The subscription's own ten seconds are over before the read is."""
    said = options(take="consume", columns={"id": "integer"}, hidden_s=10)
    calls: list[tuple[str, int]] = []
    with closing(entry().open(config)) as connector, closing(api(config)) as other:
        stream = connector.stream("city", options=said)
        plain = connector._api().call

        def noted(method: str, path: str, data: Any = None, **more: Any) -> Any:
            calls.append((path.rpartition(":")[2], len((data or {}).get("ackIds", ()))))
            return plain(method, path, data, **more)

        connector._api().call = noted
        reading = connector.read(stream, options=said, batch_rows=1)
        next(reading)
        assert ("modifyAckDeadline", 3) in calls
        calls.clear()
        connector._until = time.monotonic() - 1  # as if half of the time had gone
        next(reading)
        assert calls == [("acknowledge", 1), ("modifyAckDeadline", 2)]
        path = f"{other.path('subscriptions', 'city')}:pull"
        assert other.call("POST", path, {"maxMessages": 10, "returnImmediately": True}) == {}
        reading.close()


def test_what_a_repeat_publishes_has_the_same_ids(config: dict[str, Any]) -> None:
    write = parse_config(entry().manifest.write_options, {"ordering_column": "name", "attribute_columns": ["name"]})
    with closing(entry().open(config)) as connector:
        for _ in range(2):
            connector.write("large_city", iter([pl.DataFrame({"id": [1, 2], "name": ["a", None]})]), effect_key="e:n",
                            options=write)  # fmt: skip
        found = sorted(rows(connector, connector.stream("large_city")), key=lambda row: (row["id"], row["_at"]))
        told = [json.loads(row["_attributes"]) for row in found]
        assert [row["id"] for row in found] == [1, 1, 2, 2]
        assert told[0] == told[1] == {"headrace_id": told[0]["headrace_id"], "name": "a"}
        assert told[2] == told[3]
        assert told[0]["headrace_id"] != told[2]["headrace_id"]
        assert [row["_ordering_key"] for row in found] == ["a", "a", None, None]
        connector.write("made", iter([pl.DataFrame({"id": [1]})]))
        assert "made" in set(connector._api().listed("topics"))
        with pytest.raises(ConfigError, match="no column 'x'"):
            wrong = parse_config(entry().manifest.write_options, {"ordering_column": "x"})
            connector.write("made", iter([pl.DataFrame({"id": [1]})]), options=wrong)
        with pytest.raises(ConfigError, match="nothing to learn"):
            connector.stream("nowhere")
        with pytest.raises(ConfigError, match="refuses the request"):
            connector.write("1 no name", iter([pl.DataFrame({"id": [1]})]))


def test_a_token_is_asked_for_with_the_account_s_own_key(config: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption()).decode()  # fmt: skip
    account = json.dumps({"client_email": "reader@shop.example", "private_key": pem, "private_key_id": "k1"})
    with closing(api({**config, "private_key": account})) as made:
        door, asked = made._client.request, list[tuple[str, dict[str, Any]]]()

        def answering(method: str, url: str, **more: Any) -> Answer:
            asked.append((url, more))
            if url != TOKEN_URL:
                return door(method, url, **more)
            refused = len(asked) > 6
            body = b'{"error": "invalid_grant"}' if refused else b'{"access_token": "t1", "expires_in": 3600}'
            return Answer(url=url, status=400 if refused else 200, headers={}, body=body)

        made._client.request = answering  # type: ignore[method-assign]
        assert set(made.listed("subscriptions")) == set(QUEUES)
        assert set(made.listed("topics")) == set(QUEUES)
        from urllib.parse import parse_qs

        import jwt

        (assertion,) = parse_qs(asked[0][1]["body"].decode())["assertion"]
        claims = jwt.decode(assertion, key.public_key(), ["RS256"], audience=TOKEN_URL)
        assert claims["iss"] == "reader@shop.example"
        assert claims["exp"] - claims["iat"] == 3600
        assert jwt.get_unverified_header(assertion)["kid"] == "k1"
        assert [url for url, _ in asked].count(TOKEN_URL) == 1, "one token for all requests"
        assert asked[1][1]["credentials"] == {"Authorization": "Bearer t1"}
        assert made._sign_in
        made._sign_in.renew()
        asked += [("", {})] * 6
        with pytest.raises(AuthError, match="gives no token"):
            list(made.listed("topics"))
