"""Records of an answer, and frames of records: what does not fit is rejected with its reason, never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.kits.http.types import as_json, converter, typed
from headrace.sdk.connectors import Reject, Rejector
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.frames import polars_schema
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

DATA_MAX = 10_000
_NOTHING = object()


def dig(data: Any, path: str, *, missing: Any = _NOTHING) -> Any:
    """The value at a dotted path; a number steps into a list.

    Raises:
        ConfigError: it is not there and `missing` is not given; it names what is.
    """
    at = data
    for part in path.split(".") if path else ():
        if isinstance(at, dict) and part in at:
            at = at[part]
        elif isinstance(at, list) and part.isdigit() and int(part) < len(at):
            at = at[int(part)]
        elif missing is not _NOTHING:
            return missing
        else:
            there = ", ".join(str(name) for name in list(at)[:10]) if isinstance(at, dict) else type(at).__name__
            raise ConfigError(f"the answer has no '{path}': at '{part}' there is {there or 'nothing'}", field="records")
    return at


def records_of(data: Any, path: str, key_column: str = "") -> list[Any]:
    """The records at a path; those of an object get its keys in `key_column`.

    Raises:
        ConfigError: there is no list there; it names the lists there are.
    """
    found = dig(data, path)
    if found is None:
        return []
    if isinstance(found, dict) and key_column:
        return [{**_record(value), key_column: key} for key, value in found.items()]
    if isinstance(found, list):
        return [_record(value) for value in found]
    lists = [name for name, value in found.items() if isinstance(value, list)] if isinstance(found, dict) else []
    inside = f"; there are lists at {', '.join(f'{path}.{name}'.lstrip('.') for name in lists[:10])}" if lists else ""
    raise ConfigError(f"'{path or 'the answer'}' is no list of records{inside}; say where they are", field="records")


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}


class FrameMaker:
    """Turns records into frames with exactly these columns.

    Args:
        columns: Of the stream, all of them.
        declared: Where a column's value lies, if not under its name.
        reject: Takes records that do not fit; without it they raise.
        known: Fields that a record may have; None allows any (those that are not declared were left out on purpose).
    """

    def __init__(
        self, columns: Sequence[Column], declared: Mapping[str, str], reject: Rejector | None,
        known: frozenset[str] | None = None,
    ) -> None:  # fmt: skip
        self._schema = polars_schema(columns)
        self._parts = [
            (column, _getter(column.name, declared.get(column.name, "")), converter(column)) for column in columns
        ]
        self._reject = reject
        self._known = known
        self._row = 0

    def frames(self, records: Sequence[Any], batch_rows: int) -> Iterator[pl.DataFrame]:
        """Frames of at most so many rows; none is empty."""
        import polars as pl

        for start in range(0, len(records), batch_rows):
            values: list[list[Any]] = [[] for _ in self._parts]
            rejects: list[Reject] = []
            for record in records[start : start + batch_rows]:
                self._row += 1
                try:
                    row = self._converted(record)
                except _Unfit as error:
                    rejects.append(Reject(self._row, error.reason, error.column, as_json(record)[:DATA_MAX]))
                    continue
                for column, value in zip(values, row, strict=True):
                    column.append(value)
            self._pass_on(rejects)
            if values and values[0]:
                named = dict(zip(self._schema.names(), values, strict=True))
                yield pl.DataFrame(named, schema=self._schema, strict=True)

    def _converted(self, record: dict[str, Any]) -> list[Any]:
        if self._known is not None:
            for name in record:
                if name not in self._known:
                    reason = f"the field '{name}' is in none of the records looked at before; declare the columns"
                    raise _Unfit(reason, name)
        row = []
        for column, get, convert in self._parts:
            value = get(record)
            if value is None and not column.nullable:
                raise _Unfit(f"the key '{column.name}' is missing", column.name)
            try:
                row.append(None if value is None else convert(value))
            except ValueError as error:
                raise _Unfit(f"column '{column.name}' {error}", column.name) from None
        return row

    def _pass_on(self, rejects: list[Reject]) -> None:
        if rejects and self._reject is None:
            first = rejects[0]
            raise DataError(
                f"record {first.row}: {first.reason}; connect the error port, or correct the column's type",
                row=first.row, column=first.column, sample=first.data[:200],
            )  # fmt: skip
        if rejects and self._reject is not None:
            self._reject(rejects)


class _Unfit(Exception):
    def __init__(self, reason: str, column: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


def _getter(name: str, declared: str) -> Callable[[dict[str, Any]], Any]:
    path = typed(declared)[1]
    if path:
        return lambda record: dig(record, path, missing=None)
    return lambda record: record.get(name)
