"""The work: InfluxQL in pages, lines out. Names are quoted by the rules of each language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.rest import JsonConnector
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType

from headrace_connector_influxdb import InfluxdbConfig, InfluxdbWriteOptions

PAGE = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class InfluxdbConnector(JsonConnector[InfluxdbConfig]):
    """One database."""

    service = "InfluxDB"
    kind = "measurement"
    facts = (Column("time", DataType.TIMESTAMP, nullable=False, zone="UTC"),)
    cursors = ("time",)
    modes = ("append", "overwrite")
    write_options = InfluxdbWriteOptions

    def credentials(self) -> dict[str, str]:
        """A token, or user and password."""
        if self.config.uses_token:
            return {"Authorization": f"Token {self.config.password.reveal()}"}
        return super().credentials()

    def _query(self, words: str, *, change: bool = False) -> list[Any]:
        """The series of one statement."""
        params = {"db": self.config.database, "epoch": "u", "q": words}
        (result,) = self.call("POST" if change else "GET", "query", params=params)["results"]
        if "error" in result:
            raise ConfigError(f"{self.where} refuses: {result['error'][:200]}; correct the step", field="stream")
        found: list[Any] = result.get("series", [])
        return found

    def ping(self) -> None:
        """The database is one of those that the user may read."""
        found = sorted(name for series in self._query("SHOW DATABASES") for (name,) in series["values"])
        if self.config.database not in found:
            listed = ", ".join(found[:10]) or "none"
            raise ConfigError(
                f"there is no database '{self.config.database}' in {self.where} for this user; there is {listed}",
                field="database",
            )

    def names(self) -> Iterable[str]:
        """Measurements of the database."""
        return [name for series in self._query("SHOW MEASUREMENTS") for (name,) in series["values"]]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Points by time, page after page."""
        where = f" WHERE time > {_moment(after.value)}u" if after else ""
        start = 0
        while True:
            words = f"SELECT * FROM {_quoted(name)}{where} ORDER BY time LIMIT {PAGE} OFFSET {start}"  # noqa: S608 - quoted, or numbers
            found = [dict(zip(s["columns"], row, strict=True)) for s in self._query(words) for row in s["values"]]
            for point in found:
                point["time"] = _EPOCH + point["time"] * _US
                yield point
            if len(found) < PAGE:
                return
            start += PAGE

    def begin(self, write: Write, spool: Spool) -> None:
        """An overwrite begins without the measurement."""
        if write.mode == "overwrite":
            self._query(f"DROP MEASUREMENT {_quoted(write.name)}", change=True)

    def give(self, write: Write, part: Part) -> Given:
        """Lines of a part, in one request."""
        lines, rejects = [], []
        for index, (record, own) in enumerate(zip(part.records, part.ids, strict=True)):
            try:
                lines.append(self._line(write, record, own))
            except ValueError as error:
                rejects.append(part.rejected(index, f"the row {error}"))
        if lines:
            body = "\n".join(lines).encode()
            params = {"db": self.config.database, "precision": "u"}
            self.call("POST", "write", params=params, body=body, kind="text/plain; charset=utf-8")
        return Given(0, rejects)

    def _line(self, write: Write, record: Mapping[str, Any], own: str) -> str:
        options = write.options
        moment = record.get(options.time)
        at = _moment(moment) if moment is not None else int(own[:10], 16) * 1_000 + int(own[20:])
        tags = {name: record.get(name) for name in options.tags if record.get(name) not in {None, ""}}
        fields = {
            name: _field(value) for name, value in record.items()
            if name not in {options.time, *options.tags} and not name.startswith("_") and value is not None
        }  # fmt: skip
        if not fields:
            raise ValueError("has no value that is no tag; a point needs one field")
        marks = "".join(f",{_name(name)}={_name(str(value))}" for name, value in sorted(tags.items()))
        values = ",".join(f"{_name(name)}={value}" for name, value in fields.items())
        return f"{_name(write.name, measurement=True)}{marks} {values} {at}"


def _moment(value: Any) -> int:
    """Microseconds since 1970.

    Raises:
        ValueError: it is no moment; the words follow "the row ".
    """
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError(f"holds {value} as its time, which is no moment")  # noqa: TRY004 - words of a reject
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _US


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"holds {value}, which InfluxDB cannot hold")
        return repr(value)
    text = (value.isoformat() if isinstance(value, datetime) else str(value)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _name(text: str, *, measurement: bool = False) -> str:
    """A name in the line protocol."""
    if "\n" in text or text.endswith("\\"):
        raise ValueError(f"has the name or tag {text[:50]!r}, which has no form in the line protocol")
    for letter in ", " if measurement else ",= ":
        text = text.replace(letter, f"\\{letter}")
    return text


def _quoted(name: str) -> str:
    """A name in InfluxQL."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
