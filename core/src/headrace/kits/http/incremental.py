"""Reading what is new: rows after a cursor, in its order, whatever order the service has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from headrace.kits.http.types import converter
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

SORTED_MAX = 2_000_000
"""New rows that are sorted in memory; a service that sends them in order has no bound."""


def after_text(after: object) -> str:
    """A cursor's value as a query takes it."""
    if isinstance(after, datetime):
        moment = after.astimezone(UTC) if after.tzinfo else after
        return moment.isoformat().replace("+00:00", "Z")
    return after.isoformat() if isinstance(after, date) else str(after)


def later(
    frames: Iterator[pl.DataFrame], cursor: Column, after: object, batch_rows: int, *, ordered: bool
) -> Iterator[pl.DataFrame]:
    """Rows whose cursor is greater than `after`, in its order.

    Raises:
        ConfigError: `after` is no value of the cursor's type, or there are too many new rows to sort.
        DataError: a service that is declared to be ordered is not.
    """
    import polars as pl

    limit = pl.lit(_value(cursor, after))
    fresh = (frame.filter(pl.col(cursor.name) > limit) for frame in frames)
    kept = (frame for frame in fresh if frame.height)
    yield from _in_order(kept, cursor.name) if ordered else _sorted(kept, cursor.name, batch_rows)


def _value(cursor: Column, after: object) -> Any:
    if isinstance(after, datetime | date):
        return after
    try:
        return converter(cursor)(after)
    except ValueError as error:
        raise ConfigError(f"'after' {error}; give a value of the cursor '{cursor.name}'", field="after") from None


def _in_order(frames: Iterator[pl.DataFrame], cursor: str) -> Iterator[pl.DataFrame]:
    last: Any = None
    for frame in frames:
        first, end = frame[cursor][0], frame[cursor][-1]
        if not frame[cursor].is_sorted() or (last is not None and first < last):
            raise DataError(
                f"the service sends '{cursor}' out of order; remove 'ordered' from the declaration", column=cursor
            )
        last = end
        yield frame


def _sorted(frames: Iterator[pl.DataFrame], cursor: str, batch_rows: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    parts: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        parts.append(frame)
        rows += frame.height
        if rows > SORTED_MAX:
            raise ConfigError(
                f"there are more than {SORTED_MAX:,} new records; begin later, or read all of them", field="after"
            )
    if parts:
        yield from pl.concat(parts).sort(cursor, maintain_order=True).iter_slices(batch_rows)
