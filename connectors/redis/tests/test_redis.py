"""The contract, on Redis and on the embedded Valkey; and the forms that keys may have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
import redis
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import redis_server
from headrace.testing.records import CITIES, MessagesContract, RecordsContract


def filled(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    login = {"username": config.get("user") or None, "password": config.get("password") or None}
    with redis.Redis(host=config["host"], port=config["port"], db=config["database"], **login) as client:
        client.flushdb()
        for city in CITIES:
            client.set(f"city:{city['id']}", json.dumps(city))
            client.xadd("city_log", {"data": json.dumps(city)})
        yield config
        client.flushdb()


@pytest.fixture
def on_redis() -> Iterator[dict[str, Any]]:
    yield from filled({"host": "127.0.0.1", "port": redis_server(), "database": 3})


@pytest.fixture
def on_valkey(redis_url: str) -> Iterator[dict[str, Any]]:
    url = urlsplit(redis_url)
    yield from filled({"host": url.hostname, "port": url.port, "database": int(url.path[1:] or 0),
                       "user": url.username or "", "password": url.password or ""})  # fmt: skip


@pytest.fixture
def bad_config(on_valkey: dict[str, Any]) -> dict[str, Any]:
    return {**on_valkey, "user": "nobody", "password": "s3cret-and-wrong"}


MANY = 200_000
"""The server keeps them in memory, and a read remembers the keys that it has seen."""


class TestRedis(RecordsContract):
    connector_id = "redis"
    many_rows = MANY

    @pytest.fixture
    def config(self, on_redis: dict[str, Any]) -> dict[str, Any]:
        return on_redis


class TestValkey(RecordsContract):
    connector_id = "valkey"
    many_rows = MANY
    package = "redis"
    skip_reasons = {"test_the_readme_has_an_example_that_runs": "the example is of the connector redis"}

    @pytest.fixture
    def config(self, on_valkey: dict[str, Any]) -> dict[str, Any]:
        return on_valkey


class TestRedisStreams(MessagesContract):
    connector_id = "redis_streams"
    many_rows = MANY
    package = "redis"
    skip_reasons = {"test_the_readme_has_an_example_that_runs": "the example reads keys"}

    @pytest.fixture
    def config(self, on_valkey: dict[str, Any]) -> dict[str, Any]:
        return on_valkey


def opened(config: dict[str, Any], kind: str = "redis") -> Any:
    return load_plugins(only=["connector-redis"], strict=True).registry.connector(kind).open(config)


def test_forms_of_keys(on_redis: dict[str, Any]) -> None:
    with closing(opened(on_redis)) as connector, redis.Redis(port=on_redis["port"], db=3) as client:
        client.hset("user:1", mapping={"name": "Ann", "raw": b"\xff"})
        client.sadd("tags", "a", "b")
        client.rpush("queue", "x", "y")
        client.zadd("rank", {"one": 1.5})
        client.set("plain", "text")
        names = [stream.name for stream in connector.discover()]
        assert names == ["city", "plain", "queue", "rank", "tags", "user"]
        assert rows(connector, connector.stream("user")) == [{"_key": "user:1", "name": "Ann", "raw": "\\xff"}]
        assert sorted(row["member"] for row in rows(connector, connector.stream("tags"))) == ["a", "b"]
        assert [row["value"] for row in rows(connector, connector.stream("queue"))] == ["x", "y"]
        assert rows(connector, connector.stream("rank")) == [{"_key": "rank", "member": "one", "score": 1.5}]
        assert rows(connector, connector.stream("plain")) == [{"_key": "plain", "value": "text"}]
        assert len(rows(connector, connector.stream("cit*:*"))) == 3
        kind = connector_manifest().write_options
        frame = pl.DataFrame({"id": [1, 2], "name": ["Ann", None], "n": [1.5, 2.0]})
        connector.write(
            "people", iter([frame]), mode="upsert", keys=["id"], options=parse_config(kind, {"form": "hash"})
        )
        assert client.hgetall("people:1") == {b"id": b"1", b"name": b"Ann", b"n": b"1.5"}
        assert client.hgetall("people:2") == {b"id": b"2", b"n": b"2.0"}
        connector.write("labels", iter([pl.DataFrame({"x": ["a", "a"]})]), options=parse_config(kind, {"form": "set"}))
        assert client.smembers("labels") == {b"a"}
        connector.write(
            "short", iter([frame]), mode="upsert", keys=["id"], options=parse_config(kind, {"expires_s": 60})
        )
        assert 0 < client.ttl("short:1") <= 60
        with pytest.raises(ConfigError, match="pattern"):
            connector.write("x*", iter([frame]))


def connector_manifest() -> Any:
    return load_plugins(only=["connector-redis"], strict=True).registry.connector("redis").manifest


def test_entries_of_others(on_redis: dict[str, Any]) -> None:
    with closing(opened(on_redis, "redis_streams")) as connector, redis.Redis(port=on_redis["port"], db=3) as client:
        client.xadd("mixed", {"a": "1", "b": "x"}, id="1700000000000-7")
        (row,) = rows(connector, connector.stream("mixed"))
        assert (row["_id"], row["a"], row["b"]) == ("1700000000000-7", "1", "x")
        assert row["_at"].timestamp() == 1_700_000_000


def test_a_wrong_password_is_no_retry(bad_config: dict[str, Any]) -> None:
    with closing(opened(bad_config)) as connector, pytest.raises(AuthError, match="correct them"):
        connector.check()
