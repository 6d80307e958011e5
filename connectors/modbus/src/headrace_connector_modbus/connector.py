"""The work: points become few requests, registers become values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.place import Place
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType, HeadraceError
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from headrace_connector_modbus import ModbusConfig
from headrace_connector_modbus.points import Point, groups, point_of

STREAM = "points"
_REFUSED = {1: "does not know this function", 2: "has no such address", 3: "does not take this value", 4: "has failed"}


class ModbusConnector(RecordsConnector[ModbusConfig]):
    """One device."""

    service = "Modbus"
    kind = "stream"
    facts = (Column("_at", DataType.TIMESTAMP, nullable=False, zone="UTC"),)
    modes = ("append",)
    _client: Any = None

    @property
    def client(self) -> Any:
        """The link, opened once."""
        if self._client is None:
            place = Place.of(self.config.host, self.config.port)
            client: Any = ModbusTcpClient(place.address, port=place.port, timeout=10, retries=1)
            if not client.connect():
                client.close()
                raise self.away("no connection")
            self._client = client
        return self._client

    def points(self) -> list[Point]:
        """The points of the connection.

        Raises:
            ConfigError: one cannot be read.
        """
        return [point_of(name, text) for name, text in self.config.points.items()]

    def ping(self) -> None:
        """Read the first point."""
        points = self.points()
        if not points:
            raise ConfigError("the connection has no points; enter at least one", field="points")
        self._read(points[:1])

    def names(self) -> Iterable[str]:
        """One stream, once the device answers."""
        self.ping()
        return [STREAM]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """One row."""
        if name == STREAM:
            values: dict[str, Any] = {}
            for group in groups(self.points()):
                values |= self._read(group)
            yield {"_at": datetime.now(UTC), **{name: values[name] for name in self.config.points}}

    def _read(self, group: Sequence[Point]) -> dict[str, Any]:
        """Values of points of one table that lie close together."""
        table, first = group[0].table, group[0].address
        count = max(point.address + point.size for point in group) - first
        ask = {"holding": self.client.read_holding_registers, "input": self.client.read_input_registers,
               "coil": self.client.read_coils, "discrete": self.client.read_discrete_inputs}[table]  # fmt: skip
        answer = self._told(ask(first, count=count, device_id=self.config.device_id), group)
        if table in {"coil", "discrete"}:
            return {point.name: bool(answer.bits[point.address - first]) for point in group}
        return {point.name: self._value(point, answer.registers[point.address - first :]) for point in group}

    @property
    def _order(self) -> Literal["big", "little"]:
        return "little" if self.config.little_words else "big"

    def _value(self, point: Point, registers: Sequence[int]) -> Any:
        kind = ModbusTcpClient.DATATYPE[point.kind.upper()]
        return self.client.convert_from_registers(list(registers[: point.size]), kind, word_order=self._order)

    def _told(self, answer: Any, group: Sequence[Point]) -> Any:
        if answer.isError():
            why = _REFUSED.get(getattr(answer, "exception_code", 0), "refuses")
            names = ", ".join(f"'{point.name}'" for point in group[:5])
            raise ConfigError(f"{self.where} {why}, at {names}; correct the points", detail=str(answer), field="points")
        return answer

    def begin(self, write: Write, spool: Spool) -> None:
        """Every column is a point that may be written."""
        known = {point.name: point for point in self.points()}
        for name in spool.columns:
            if name in known and known[name].table in {"input", "discrete"}:
                raise ConfigError(
                    f"'{name}' lies in {known[name].table}, which is only read; leave it out", column=name
                )
            if name not in known and not name.startswith("_"):
                raise ConfigError(f"the connection has no point '{name}'; it has {', '.join(known)}", column=name)

    def give(self, write: Write, part: Part) -> Given:
        """Write row by row, point by point; a value that does not fit rejects its row before anything of it is sent."""
        rejects = []
        points = {point.name: point for point in self.points()}
        for index, record in enumerate(part.records):
            filled = {name: value for name, value in record.items() if value is not None and name in points}
            try:
                ready = [(points[name], self._registers(points[name], value)) for name, value in filled.items()]
            except ValueError as error:
                rejects.append(part.rejected(index, f"the row {error}"))
                continue
            for point, registers in ready:
                send = self.client.write_coil if point.table == "coil" else self.client.write_registers
                self._told(send(point.address, registers, device_id=self.config.device_id), [point])
        return Given(0, rejects)

    def _registers(self, point: Point, value: Any) -> Any:
        if point.table == "coil":
            return bool(value)
        whole = "int" in point.kind
        try:
            if whole and (isinstance(value, bool) or int(value) != value):
                raise ValueError  # noqa: TRY301 - one sentence for all that does not fit
            return ModbusTcpClient.convert_to_registers(
                int(value) if whole else float(value),
                ModbusTcpClient.DATATYPE[point.kind.upper()],
                word_order=self._order,
            )
        except Exception:
            raise ValueError(f"holds {value!r:.50} for '{point.name}', which is no {point.kind}") from None

    def trouble(self, error: Exception) -> HeadraceError | None:
        """Whatever the driver raises, the device has not answered."""
        if isinstance(error, ModbusException):
            return self.away(error)
        return None

    def hang_up(self) -> None:
        """Close the link."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
