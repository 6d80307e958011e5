"""Modbus: points of a device, read together and written by name."""

from typing import Annotated

from headrace.kits.records.declare import READ_WRITE, PlainServer, Port, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """The stream `points` has one row: when it was read, and a column for each point of the connection. Points that
lie side by side are read together. Rows are written in order, by the names of holding registers and coils; nulls are
left out. Modbus knows neither users nor encryption: keep it in a network of its own."""


class ModbusConfig(PlainServer, kw_only=True):
    """How to reach the device, and what its registers mean."""

    port: Port = 502
    device_id: Annotated[int, Field("Device id", ge=0, le=255, order=2)] = 1
    points: Annotated[
        dict[str, str],
        Field("Points", "Name, and where it lies: `holding 0 float32`, `input 10 int16`, `coil 3`, `discrete 4`. Types "
              "are int16 to int64, uint16 to uint64, float32, float64.", widget="key-value", order=3),
    ]  # fmt: skip
    little_words: Annotated[
        bool, Field("Low word first", "In values of several registers.", advanced=True, order=4)
    ] = False


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="modbus", title="Modbus TCP", category="nosql", summary="Registers and coils of a device",
            config=ModbusConfig, factory=lazy("headrace_connector_modbus.connector:ModbusConnector"),
            capabilities=READ_WRITE, read_options=ReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:plug", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
