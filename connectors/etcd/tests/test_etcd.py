"""The contract, against the server of the Debian package."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from headrace.sdk.egress_http import EgressClient
from headrace.testing.counterparts import etcd
from headrace.testing.records import CITIES, RecordsContract
from msgspec import json


def sent(text: bytes | str) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


class TestEtcd(RecordsContract):
    connector_id = "etcd"

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        port, client = etcd(), EgressClient()
        url = f"http://127.0.0.1:{port}/v3/kv"
        client.request("POST", f"{url}/deleterange", body=json.encode({"key": sent(b"\0"), "range_end": sent(b"\0")}))
        for city in CITIES:
            pair = {"key": sent(f"city/{city['id']}"), "value": sent(json.encode(city))}
            client.request("POST", f"{url}/put", body=json.encode(pair))
        client.close()
        return {"host": "127.0.0.1", "port": port}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "user": "nobody", "password": "s3cret-and-wrong"}
