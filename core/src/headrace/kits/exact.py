"""Values into columns of a table that is there: each as it is, or an error."""

from __future__ import annotations

import polars as pl

from headrace.kits.drift import said, wider
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.frames import polars_dtype
from headrace.sdk.types import Column, DataType


def possible(there: Column, given: Column) -> None:
    """Refuse what no value of could be kept, or what only a person can decide.

    Raises:
        ConfigError: naming the column.
    """
    moments = there.type is given.type is DataType.TIMESTAMP
    if moments and bool(there.zone) != bool(given.zone):
        has, wants = ("no time zone", "one") if there.zone else ("a time zone", "none")
        raise ConfigError(
            f"column '{given.name}' has {has}, the table wants {wants}; cast it before, so that you decide how",
            column=given.name,
        )
    wider(there, given)


def exactly(values: pl.Series, column: Column) -> pl.Series:
    """The values with the type of the column.

    Raises:
        DataError: one of them would change.
    """
    kind = polars_dtype(column)
    if values.dtype == kind:
        return values
    try:
        cast = values.cast(kind)
        changed = 0
        if column.type is not DataType.TEXT and values.dtype != pl.Null:
            changed = int(cast.cast(values.dtype, strict=False).ne_missing(values).sum())
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"a value of column '{column.name}' does not fit {said(column)}; nothing was written; cast it before",
            column=column.name, detail=str(error),
        ) from error  # fmt: skip
    if changed:
        raise DataError(
            f"{changed} values of column '{column.name}' would change in the table; nothing was written; cast it "
            "before",
            column=column.name, count=changed,
        )  # fmt: skip
    return cast
