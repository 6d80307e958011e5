"""The contract, against the server of the Debian package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest
from headrace.sdk import DataError
from headrace.testing.counterparts import memcached
from headrace.testing.records import CITIES, RecordsContract
from pymemcache.client.base import Client


class TestMemcached(RecordsContract):
    connector_id = "memcached"

    @pytest.fixture
    def config(self) -> Iterator[dict[str, Any]]:
        port = memcached()
        client = Client(("127.0.0.1", port), default_noreply=False)
        listed = bytes(client.raw_command(b"lru_crawler metadump hash", b"END\r\n")).splitlines()
        for line in listed:  # flush_all would take what is set within the same second as well
            client.delete(unquote(line.partition(b" ")[0].removeprefix(b"key=").decode()))
        for city in CITIES:
            client.set(f"city:{city['id']}", json.dumps(city).encode())
        yield {"host": "127.0.0.1", "port": port}
        client.close()

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254"}

    def test_keys_that_it_does_not_take_are_told(self, connector: Any) -> None:
        told: list[Any] = []
        frame = pl.DataFrame({"id": ["a b", "ok", "x" * 300, "ä"]})
        done = connector.write("odd", iter([frame]), mode="upsert", keys=["id"], reject=told.extend)
        assert (done.written, done.rejected) == (1, 3)
        assert [reject.row for reject in told] == [1, 3, 4]
        with pytest.raises(DataError, match="row 1: its key holds a space"):
            connector.write("odd", iter([frame]), mode="upsert", keys=["id"])
