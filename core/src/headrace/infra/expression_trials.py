"""What an expression gives for the first stored rows, so that whoever writes it sees its value at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.types import Column

ROWS = 1_000
"""Over how many rows an aggregate is tried."""


class Trial(Struct, frozen=True, kw_only=True):
    """The value, or what is wrong; `rows` is how many the value was worked out over, 0 where none were there.

    `position` is the 1-based character of a problem, 0 where there is none or it is unknown.
    """

    value: Any = None
    type: str = ""
    rows: int = 0
    problem: str = ""
    hint: str = ""
    position: int = 0


def text_trial(text: str, context: Mapping[str, Any]) -> Trial:
    """A text with its `{{ ... }}` filled in."""
    from headrace.sdk.text import render

    try:
        return Trial(value=render(text, context), type="text")
    except ConfigError as error:
        return _wrong(error)


def sql_trial(text: str, context: Mapping[str, Any], path: Path | None, columns: Sequence[Column]) -> Trial:
    """A SQL expression for the first row of a stored frame; of aggregates, over its first `ROWS` rows.

    Args:
        text: The expression; templates in it are filled in first.
        context: What templates may use.
        path: The frame, a Parquet file; None where no rows are stored, and then only the syntax is checked.
        columns: Columns of the frame.
    """
    from headrace.sdk.text import render

    try:
        return _tried(render(text, context), path, columns)
    except ConfigError as error:
        return _wrong(error)


def _tried(text: str, path: Path | None, columns: Sequence[Column]) -> Trial:
    from sqlglot import exp

    from headrace.sdk.expressions import parse, typed

    several = parse(text).find(exp.AggFunc) is not None
    expr, kind = typed(text, columns if path else None, aggregate=several)
    if path is None:
        return Trial()
    import narwhals as nw
    import polars as pl

    from headrace.infra.frame_pages import cell

    frame = pl.scan_parquet(path).head(ROWS if several else 1).collect()
    try:
        table = nw.from_native(frame)
        made = table.select(value=expr) if several else table.with_columns(value=expr)
        found = made.get_column("value").to_list()
    except Exception as error:
        said = "this cannot be worked out for these rows; check the values' types"
        raise ConfigError(said, detail=str(error)) from None
    return Trial(value=cell(found[0]) if found else None, type=str(kind or ""), rows=frame.height)


def _wrong(error: ConfigError) -> Trial:
    place = error.details.get("position", 0)
    return Trial(problem=error.message, hint=error.hint, position=place if isinstance(place, int) else 0)
