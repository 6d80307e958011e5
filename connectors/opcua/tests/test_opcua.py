"""The contract, on the server of asyncua."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from functools import cache
from typing import Any

import polars as pl
import pytest
from asyncua import Server, ua
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import free_port, served
from headrace.testing.records import DEVICE_SKIPS, RecordsContract


@cache
def server() -> int:
    port = free_port()

    async def serve(up: threading.Event) -> None:
        running = Server()
        await running.init()
        running.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
        running.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = await running.register_namespace("urn:test")
        city = await (await running.nodes.objects.add_object(space, "Plant")).add_object(space, "city")
        for name, value in (("Bern", 51.6), ("Oslo", "none"), ("Riga", 304.0)):
            await (await city.add_variable(space, name, value)).set_writable()
        await (await city.add_variable(space, "Open", True)).set_writable()
        await (await city.add_variable(space, "Count", 3, ua.VariantType.Int16)).set_writable()
        await city.add_variable(space, "Fixed", [1, 2], ua.VariantType.Int32)
        async with running:
            up.set()
            await asyncio.Event().wait()

    served(serve)
    return port


@pytest.fixture
def config() -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server()}


class TestOpcua(RecordsContract):
    connector_id = "opcua"
    example_rows = (6, 1)
    skip_reasons = DEVICE_SKIPS

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_variables_are_read_and_written(config: dict[str, Any]) -> None:
    entry = load_plugins(only=["connector-opcua"], strict=True).registry.connector("opcua")
    with closing(entry.open(config)) as connector:
        found = {row["name"]: row for row in rows(connector, connector.stream("Plant/city"))}
        assert (found["Bern"]["number"], found["Bern"]["status"]) == (51.6, "Good")
        assert (found["Oslo"]["number"], found["Oslo"]["text"]) == (None, "none")
        assert (found["Open"]["number"], found["Fixed"]["text"]) == (1.0, "[1,2]")
        told: list[Any] = []
        frame = pl.DataFrame(
            {"node": [found[n]["node"] for n in ("Count", "Oslo", "Fixed", "Count")], "number": [7.0, None, 1.0, 1.5],
             "text": [None, "some", None, None]}
        )  # fmt: skip
        done = connector.write("Plant/city", iter([frame]), reject=told.extend)
        assert (done.written, done.rejected) == (2, 2)
        assert "BadUserAccessDenied" in told[0].reason or "BadNotWritable" in told[0].reason
        assert "1.5 is no whole number" in told[1].reason
        found = {row["name"]: row for row in rows(connector, connector.stream("Plant/city"))}
        assert (found["Count"]["number"], found["Oslo"]["text"]) == (7.0, "some")
        with pytest.raises(ConfigError, match="need a column 'node'"):
            connector.write("Plant/city", iter([pl.DataFrame({"x": [1]})]))
