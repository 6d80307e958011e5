"""The contract, on pymodbus' own server."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from functools import cache
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import free_port, served
from headrace.testing.records import DEVICE_SKIPS, RecordsContract
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

POINTS = {
    "area": "holding 0 float32", "count": "holding 2 int16", "total": "holding 4 uint64", "far": "holding 40 int32",
    "open": "coil 1", "alarm": "discrete 0", "level": "input 3 uint16",
}  # fmt: skip


def device() -> SimDevice:
    holding = [
        SimData(0, values=304.0, datatype=DataType.FLOAT32), SimData(2, values=-3, datatype=DataType.INT16),
        SimData(3, values=0, datatype=DataType.REGISTERS), SimData(4, values=2**40, datatype=DataType.UINT64),
        SimData(8, count=32, values=0, datatype=DataType.REGISTERS), SimData(40, values=7, datatype=DataType.INT32),
    ]  # fmt: skip
    return SimDevice(1, simdata=(
        [SimData(0, count=16, values=True, datatype=DataType.BITS)],
        [SimData(0, count=16, values=True, datatype=DataType.BITS)],
        holding, [SimData(0, count=8, values=9, datatype=DataType.REGISTERS)],
    ))  # fmt: skip


@cache
def server() -> int:
    port = free_port()

    async def serve(up: threading.Event) -> None:
        running = ModbusTcpServer(device(), address=("127.0.0.1", port))
        await running.serve_forever(background=True)
        up.set()
        await asyncio.Event().wait()

    served(serve)
    return port


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-modbus"], strict=True).registry.connector("modbus").open(config)


@pytest.fixture
def config() -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server(), "points": POINTS}


class TestModbus(RecordsContract):
    connector_id = "modbus"
    example_rows = (1, 1)
    skip_reasons = {
        **DEVICE_SKIPS,
        "test_opens_a_new_link_after_a_dropped_one": "two reads of a device differ in their moment",
    }

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "points": {"nowhere": "holding 9000 int16"}}


def test_points_are_read_and_written(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        (row,) = rows(connector, connector.stream("points"))
        row.pop("_at")
        assert row == {"area": 304.0, "count": -3, "total": 2**40, "far": 7, "open": True, "alarm": True, "level": 9}
        told: list[Any] = []
        frame = pl.DataFrame({"area": [1.5, 2.5, None], "count": [-5, 70_000, None], "open": [False, True, None]})
        done = connector.write("points", iter([frame]), reject=told.extend)
        assert (done.written, done.rejected, told[0].row) == (2, 1, 2)
        assert "70000" in told[0].reason
        (row,) = rows(connector, connector.stream("points"))
        assert (row["area"], row["count"], row["open"]) == (1.5, -5, False)
        connector.write("points", iter([pl.DataFrame({"area": [304.0], "count": [-3], "open": [True]})]))
        with pytest.raises(DataError, match="which is no int16"):
            connector.write("points", iter([pl.DataFrame({"count": [1.5]})]))
        with pytest.raises(ConfigError, match="only read"):
            connector.write("points", iter([pl.DataFrame({"level": [1]})]))
        with pytest.raises(ConfigError, match="no point 'x'"):
            connector.write("points", iter([pl.DataFrame({"x": [1]})]))
    with (
        closing(opened({**config, "points": {"x": "holding zero"}})) as connector,
        pytest.raises(ConfigError, match="coil 3"),
    ):
        connector.check()
