"""What rows are judged by before a write: their shape, their keys, and the column that marks deletions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from headrace.sdk.connectors import WriteMode
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.tables import VALID_FROM, VALID_TO
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

_KEYED = {"upsert": "an upsert", "merge": "a merge", "scd2": "a history"}


def judged(columns: Sequence[Column], mode: WriteMode, keys: Sequence[str], mark: str = "") -> list[Column]:
    """The columns to write; the one that marks deletions is not.

    Raises:
        ConfigError: keys or marks are not as the mode needs them.
    """
    names = {column.name: column for column in columns}
    lacking = [key for key in keys if key not in names]
    if lacking or (mode in _KEYED and not keys):
        what = f"the key column '{lacking[0]}' is not in the rows" if lacking else f"{_KEYED[mode]} needs key columns"
        raise ConfigError(f"{what}; choose columns that identify a row", field="keys")
    taken = [name for name in (VALID_FROM, VALID_TO) if mode == "scd2" and name in names]
    if taken:
        raise ConfigError(f"a history makes the column '{taken[0]}' itself; rename that of the rows", column=taken[0])
    if mark and (mark not in names or names[mark].type is not DataType.BOOLEAN):
        raise ConfigError(
            f"the deletion column '{mark}' is not in the rows as true and false; make it so before, or leave the field "
            "empty",
            field="deletes",
        )
    return [column for column in columns if column.name != mark]


def one_name(columns: Sequence[Column], engine: str) -> Sequence[Column]:
    """The columns, if an engine that folds letters can tell them apart.

    Raises:
        ConfigError: two names differ in letter case only.
    """
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise ConfigError(
                f"the columns '{other}' and '{column.name}' are one name to {engine}; rename one", column=other
            )
    return columns


def one_shape(frames: Iterator[pl.DataFrame], schema: Any) -> Iterator[pl.DataFrame]:
    """The frames, all of the first one's shape.

    Raises:
        DataError: a later one has other columns or types.
    """
    for frame in frames:
        if frame.schema != schema:
            late = next((n for n in (*frame.columns, *schema) if frame.schema.get(n) != schema.get(n)), "order")
            raise DataError(
                f"the rows change their shape on the way (column '{late}'); nothing was written; give all of them the "
                "same columns and types before",
                column=late,
            )
        yield frame


def no_key(count: int, keys: Sequence[str]) -> DataError:
    """For rows whose key is empty."""
    return DataError(
        f"{count} rows have no value in the key {', '.join(keys)}; nothing was written; filter them or fill them "
        "before",
        field="keys",
    )


def same_key(count: int, keys: Sequence[str], values: Sequence[Any]) -> DataError:
    """For rows that keys cannot tell apart, with the key of some of them as a sample."""
    sample = ", ".join(f"{key}={value!r}" for key, value in zip(keys, values, strict=False))
    return DataError(
        f"{count} rows have the same key ({sample}); nothing was written; put a Distinct step before, or add a key "
        "column",
        field="keys",
    )
