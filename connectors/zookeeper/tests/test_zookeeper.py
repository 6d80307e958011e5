"""The contract, against the server of the Debian package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from headrace.testing.counterparts import zookeeper
from headrace.testing.records import CITIES, RecordsContract
from kazoo.client import KazooClient


class TestZookeeper(RecordsContract):
    connector_id = "zookeeper"

    @pytest.fixture
    def config(self) -> Iterator[dict[str, Any]]:
        port = zookeeper()
        client = KazooClient(hosts=f"127.0.0.1:{port}")
        client.start(timeout=30)
        for city in CITIES:
            client.create(f"/city/{city['id']}", json.dumps(city).encode(), makepath=True)
        yield {"host": "127.0.0.1", "port": port}
        for name in client.get_children("/"):
            if name != "zookeeper":
                client.delete(f"/{name}", recursive=True)
        client.stop()
        client.close()

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254"}
