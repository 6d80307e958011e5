"""Records -> frames, bounded by rows and bytes; a record that does not fit is rejected with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.kits.records.schema import LATE, as_json, fitting
from headrace.sdk.connectors import Reject, Rejector
from headrace.sdk.errors import DataError
from headrace.sdk.frames import polars_schema
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

BATCH_BYTES = 16 * 1024 * 1024
DATA_MAX = 10_000
REJECTS_MAX = 1_000
"""Rejects are passed on in groups of so many at most."""
Record = Mapping[str, Any]


class Unreadable(dict[str, Any]):
    """What came and cannot be a row: it is rejected with its reason, whatever the columns are.

    Args:
        fields: What is known of it.
        reason: Words for people.
    """

    def __init__(self, fields: Record, reason: str) -> None:
        super().__init__(fields)
        self.reason = reason


class Frames:
    """Makes frames with exactly the wanted columns.

    Args:
        columns: Of the stream, all of them.
        wanted: Names of those to yield, in order.
        reject: Takes records that do not fit; without it they raise.
        open_fields: Fields that are no columns were left out on purpose.
        made: Called after each frame that was handed over and is done with.
    """

    def __init__(
        self, columns: Sequence[Column], wanted: Sequence[str], reject: Rejector | None, *, open_fields: bool = False,
        made: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        by_name = {column.name: column for column in columns}
        chosen = [by_name[name] for name in wanted]
        self._schema = polars_schema(chosen)
        self._fits = [(column, fitting(column)) for column in chosen if column.name != LATE]
        self._late = wanted.index(LATE) if LATE in wanted else -1
        self._known = None if open_fields else frozenset(by_name)
        self._keeps_late = LATE in by_name
        self._reject = reject
        self._made = made
        self._rejects: list[Reject] = []
        self._row = 0

    def of(self, records: Iterable[Record], batch_rows: int) -> Iterator[pl.DataFrame]:
        """Frames of at most so many rows and about 16 MiB; none is empty.

        Raises:
            DataError: a record does not fit and there is no `reject`.
        """
        rows: list[tuple[Any, ...]] = []
        size = 0
        for record in records:
            self._row += 1
            row = self._row_of(record)
            if row is None:
                continue
            rows.append(row)
            size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
            if len(rows) >= batch_rows or size >= BATCH_BYTES:
                yield self._frame(rows)
                self._handed()
                rows, size = [], 0
        if rows:
            yield self._frame(rows)
        self._handed()

    def _handed(self) -> None:
        self._pass_on()
        if self._made is not None:
            self._made()

    def _frame(self, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame(rows, schema=self._schema, orient="row", strict=True)

    def _row_of(self, record: Record) -> tuple[Any, ...] | None:
        if isinstance(record, Unreadable):
            self._refused(record, record.reason, "")
            return None
        row: list[Any] = []
        late = {} if self._known is None else {name: record[name] for name in record.keys() - self._known}
        if late and not self._keeps_late:
            name = next(iter(late))
            reason = f"the field '{name}' is in none of the records looked at first; declare the columns, or keep late "
            self._refused(record, f"{reason}fields", name)
            return None
        for column, fit in self._fits:
            value = record.get(column.name)
            if value is None and not column.nullable:
                self._refused(record, f"the key '{column.name}' is missing", column.name)
                return None
            try:
                row.append(None if value is None else fit(value))
            except ValueError as error:
                self._refused(record, f"column '{column.name}' {error}", column.name)
                return None
        if self._late >= 0:
            row.insert(self._late, as_json(late) if late else None)
        return tuple(row)

    def _refused(self, record: Record, reason: str, column: str) -> None:
        found = Reject(self._row, reason, column, as_json(record)[:DATA_MAX])
        if self._reject is None:
            raise DataError(
                f"record {found.row}: {reason}; connect the error port, or correct the columns",
                row=found.row, column=column, sample=found.data[:200],
            )  # fmt: skip
        self._rejects.append(found)
        if len(self._rejects) >= REJECTS_MAX:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._rejects and self._reject is not None:
            self._reject(self._rejects)
            self._rejects = []
