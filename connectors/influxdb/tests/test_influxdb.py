"""The contract, against the InfluxDB of the Debian package."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import parse_config
from headrace.sdk.egress_http import EgressClient
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import influxdb
from headrace.testing.records import CITIES, RecordsContract


@pytest.fixture
def config() -> dict[str, Any]:
    port, client = influxdb(), EgressClient()
    url = f"http://127.0.0.1:{port}"
    for words in ("DROP DATABASE plant", "CREATE DATABASE plant"):
        client.request("POST", f"{url}/query?q={quote(words)}")
    lines = [f'city name="{c["name"]}",id={c["id"]}i' + (f",area={c['area']}" if c["area"] else "") for c in CITIES]
    body = "\n".join(f"{line} {n + 1}000000" for n, line in enumerate(lines)).encode()
    assert client.request("POST", f"{url}/write?db=plant&precision=u", body=body).status == 204
    client.close()
    return {"host": "127.0.0.1", "port": port, "database": "plant"}


class TestInfluxdb(RecordsContract):
    connector_id = "influxdb"

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "database": "nowhere"}


def test_points_are_known_by_time_and_tags(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-influxdb"], strict=True).registry.connector("influxdb")
    at = dt.datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    frame = pl.DataFrame({"time": [at, at], "line": ["a b", "c,=d"], "hot": [True, False], "n": [1.5, 2.0]})
    options = parse_config(entry.manifest.write_options, {"tags": ["line"]})
    with closing(entry.open(config)) as connector:
        for _ in range(2):
            connector.write("oven, 1", iter([frame]), options=options)
        back = sorted(rows(connector, connector.stream("oven, 1")), key=lambda row: row["line"])
        assert [{name: row[name] for name in frame.columns} for row in back] == frame.to_dicts()
        told: list[Any] = []
        odd = pl.DataFrame({"time": [at], "line": ["only a tag"]})
        assert connector.write("odd", iter([odd]), options=options, reject=told.extend).rejected == 1
        assert "needs one field" in told[0].reason
