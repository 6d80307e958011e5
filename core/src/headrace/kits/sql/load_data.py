"""LOAD DATA LOCAL of rows that are in memory, for PyMySQL.

The server answers LOAD DATA LOCAL with the name of a file that it wants, and a client sends it. A server that is not
honest may want any file, so there is none: this connection sends the bytes of the call, whatever name comes back, and
refuses the request outside of one.

Source: https://dev.mysql.com/doc/refman/8.4/en/load-data-local-security.html and the protocol's LOCAL INFILE request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import CLIENT

from headrace.kits.sql.frames import plain

if TYPE_CHECKING:
    import polars as pl

_PACKET = 256 * 2**10
_LOAD = (
    "LOAD DATA LOCAL INFILE 'rows' INTO TABLE %(table)s CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' "
    "OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' (%(columns)s)"
)


class Loading(Connection):  # type: ignore[misc]  # PyMySQL has no types
    """A connection that can load rows, and never a file."""

    held: bytes | None = None
    """What the running LOAD DATA sends."""

    def __init__(self, **given: Any) -> None:
        flags = given.pop("client_flag", 0) | CLIENT.LOCAL_FILES
        super().__init__(**{**given, "client_flag": flags, "local_infile": False})

    def load(self, statement: str, rows: bytes) -> tuple[int, int]:
        """Send the rows; how many were stored, and how many warnings there are."""
        self.held = rows
        try:
            self.query(statement)
        finally:
            self.held = None
        return self._result.affected_rows, self._result.warning_count

    def _read_query_result(self, unbuffered: bool = False) -> int:
        if self.held is None:
            return int(super()._read_query_result(unbuffered))
        result = _Loaded(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows)


class _Loaded(MySQLResult):  # type: ignore[misc]
    def _read_load_local_packet(self, _asked: Any) -> None:
        connection = self.connection
        for start in range(0, len(connection.held), _PACKET):
            connection.write_packet(connection.held[start : start + _PACKET])
        connection.write_packet(b"")
        self._read_ok_packet(connection._read_packet())


def loads(connection: sa.Connection) -> bool:
    """Whether the server takes it; MySQL 8 does not unless its operator says so."""
    driver = connection.connection.driver_connection
    return isinstance(driver, Loading) and bool(connection.scalar(sa.text("SELECT @@local_infile")))


def load_data(connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> bool:
    """Put a frame into a table; False, and no row is in it, where the server would have changed or left out one.

    LOCAL turns errors into warnings: a text too long is cut, a double is left out. So any warning undoes it.
    """
    import polars as pl

    preparer = connection.dialect.identifier_preparer
    names = [preparer.quote_identifier(name) for name in frame.columns]
    binary = {place for place, kind in enumerate(frame.dtypes) if kind == pl.Binary}
    columns = ", ".join(f"@b{place}" if place in binary else name for place, name in enumerate(names))
    decoded = ", ".join(f"{names[place]} = UNHEX(@b{place})" for place in sorted(binary))
    statement = _LOAD % {"table": preparer.format_table(table), "columns": columns} + (
        f" SET {decoded}" if binary else ""
    )
    driver: Any = connection.connection.driver_connection
    with connection.begin_nested() as point:
        stored, warnings = driver.load(statement.replace("%%", "%"), _csv(frame))  # the dialect wrote % of names twice
        whole = stored == frame.height and not warnings
        if not whole:
            point.rollback()
    return whole


def _csv(frame: pl.DataFrame) -> bytes:
    import polars as pl

    frame = plain(frame)
    changed = []
    for name, kind in frame.schema.items():
        if kind == pl.Binary:
            changed.append(pl.col(name).bin.encode("hex"))
        elif kind == pl.Boolean:
            changed.append(pl.col(name).cast(pl.UInt8))
        elif isinstance(kind, pl.Datetime) and kind.time_zone:
            changed.append(pl.col(name).dt.replace_time_zone(None))
    text: str = frame.with_columns(changed).write_csv(
        include_header=False, quote_style="non_numeric", null_value="NULL",
        datetime_format="%Y-%m-%d %H:%M:%S%.6f", time_format="%H:%M:%S%.6f",
    )  # fmt: skip
    return text.encode()
