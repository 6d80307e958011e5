"""The contract, on a NATS server with JetStream."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import Any

import nats as driver
import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import nats
from headrace.testing.records import CITIES, MessagesContract


async def fresh(port: int) -> None:
    client = await driver.connect(f"nats://127.0.0.1:{port}")
    api = client.jetstream()
    for info in await api.streams_info():
        await api.delete_stream(info.config.name)
    await api.add_stream(name="city", subjects=["city.>"])
    for city in CITIES:
        await api.publish("city.new", json.dumps(city).encode())
    await client.close()


@pytest.fixture
def config() -> dict[str, Any]:
    port = nats()
    asyncio.run(fresh(port))
    return {"host": "127.0.0.1", "port": port}


class TestNats(MessagesContract):
    connector_id = "nats"

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_a_subject_is_chosen_where_the_stream_has_wildcards(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-nats"], strict=True).registry.connector("nats")
    options = parse_config(entry.manifest.write_options, {"subject": "city.old"})
    frame = pl.DataFrame({"id": [9]})
    with closing(entry.open(config)) as connector:
        with pytest.raises(ConfigError, match=r"takes city.>; choose a subject"):
            connector.write("city", iter([frame]))
        connector.write("city", iter([frame]), options=options)
        found = rows(connector, connector.stream("city"))
        assert [(row["id"], row["_subject"]) for row in found][-1] == (9, "city.old")
        assert [row["_sequence"] for row in found] == [1, 2, 3, 4]
