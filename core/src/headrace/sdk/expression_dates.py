"""Date and time functions of expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
from sqlglot import exp

from headrace.sdk.expression_types import cast
from headrace.sdk.expression_values import MOMENTS, Handler, Value, make, text_of
from headrace.sdk.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sdk.expression_compiler import Compiler

INTEGER, DATE, TIMESTAMP = DataType.INTEGER, DataType.DATE, DataType.TIMESTAMP
_CLOCK: Final = frozenset({"HOUR", "MINUTE", "SECOND", "EPOCH"})
_EVERY: Final = {
    "YEAR": "1y",
    "QUARTER": "1q",
    "MONTH": "1mo",
    "DAY": "1d",
    "HOUR": "1h",
    "MINUTE": "1m",
    "SECOND": "1s",
}


def _moment(c: Compiler, node: Any) -> Value:
    value = c.compile(node)
    if value.kind not in {None, *MOMENTS}:
        raise c.error(node, f"gives {value.kind} to a date function", "CAST it to date or timestamp first")
    return value


def _part(c: Compiler, node: Any, unit: str, source: Any) -> Value:
    value = _moment(c, source)
    e = value.expr.cast(nw.Datetime("us")) if unit in _CLOCK and value.kind is DATE else value.expr
    parts: dict[str, Callable[[], nw.Expr]] = {
        "YEAR": e.dt.year,
        "MONTH": e.dt.month,
        "DAY": e.dt.day,
        "HOUR": e.dt.hour,
        "MINUTE": e.dt.minute,
        "SECOND": e.dt.second,
        "DOY": e.dt.ordinal_day,
        "DAYOFYEAR": e.dt.ordinal_day,
        "DOW": lambda: e.dt.weekday() % 7,
        "DAYOFWEEK": lambda: e.dt.weekday() % 7,
        "ISODOW": e.dt.weekday,
        "QUARTER": lambda: (e.dt.month() + 2) // 3,
        "WEEK": lambda: e.dt.to_string("%V"),
        "EPOCH": lambda: e.dt.timestamp("us") // 1_000_000,
    }
    if unit not in parts:
        raise c.error(
            node, f"extracts {unit.lower()}", "use year, quarter, month, week, day, dow, doy, hour, minute, second"
        )
    return make(parts[unit]().cast(nw.Int64), INTEGER)


def _extract(c: Compiler, n: exp.Extract) -> Value:
    return _part(c, n, n.this.name.upper(), n.expression)


def _date_part(c: Compiler, n: exp.Anonymous) -> Value:
    if len(n.expressions) != 2:
        raise c.error(n, "needs a unit and a date")
    return _part(c, n, c.literal_text(n.expressions[0], "a unit").upper(), n.expressions[1])


def _cut(moment: nw.Expr, unit: str) -> nw.Expr:
    """The start of the unit; weeks start on Monday."""
    if unit != "WEEK":
        return moment.dt.truncate(_EVERY[unit])
    past = ((moment.dt.weekday().cast(nw.Int64) - 1) * 86_400_000_000).cast(nw.Duration("us"))
    return moment.dt.truncate("1d") - past


def _unit(unit: str) -> Handler:
    return lambda c, n: _part(c, n, unit, n.this)


def _trunc(c: Compiler, n: Any) -> Value:
    unit, value = str(n.args["unit"].name).upper(), _moment(c, n.this)
    if unit not in {*_EVERY, "WEEK"} or (value.kind is DATE and unit in _CLOCK):
        raise c.error(n, f"cuts to {unit.lower()}", "use year, quarter, month, week, day, hour, minute or second")
    return Value(_cut(value.expr, unit), value.kind, column=value.column)


def _digits(c: Compiler, node: Any, width: int) -> nw.Expr:
    value = c.compile(node)
    c.number(node, value)
    return value.expr.cast(nw.Int64).cast(nw.String).str.zfill(width)


def _make_date(c: Compiler, n: exp.DateFromParts) -> Value:
    year, month, day = n.args.get("year"), n.args.get("month"), n.args.get("day")
    if not (year and month and day):
        raise c.error(n, "needs make_date(year, month, day)")
    parts = [_digits(c, year, 4), _digits(c, month, 2), _digits(c, day, 2)]
    return make(nw.concat_str(parts, separator="-").str.to_date("%Y-%m-%d"), DATE)


def _make_timestamp(c: Compiler, n: exp.TimestampFromParts) -> Value:
    names = ("year", "month", "day", "hour", "min", "sec")
    if not all(n.args.get(name) for name in names):
        raise c.error(n, "needs make_timestamp(year, month, day, hour, minute, second)")
    parts = [_digits(c, n.args[name], 4 if name == "year" else 2) for name in names]
    moment = nw.concat_str(parts, separator="-").str.to_datetime("%Y-%m-%d-%H-%M-%S")
    return make(moment.cast(nw.Datetime("us")), TIMESTAMP)


def _date(c: Compiler, n: Any) -> Value:
    return make(cast(c.compile(n.this), DATE), DATE)


def _format(c: Compiler, node: Any) -> str:
    text = c.literal_text(node, "a format like '%Y-%m-%d'")
    if len(text) > 100:
        raise c.error(node, "has a format of more than 100 characters")
    return text


def _to_date(c: Compiler, n: exp.Anonymous) -> Value:
    args = n.expressions
    if len(args) not in {1, 2}:
        raise c.error(n, "needs to_date(text, format)")
    pattern = _format(c, args[1]) if len(args) == 2 else "%Y-%m-%d"
    return make(text_of(c, args[0]).str.to_date(pattern), DATE)


def _to_timestamp(c: Compiler, n: Any) -> Value:
    pattern = n.args.get("scale") or n.args.get("format")
    if pattern is None:
        raise c.error(n, "needs to_timestamp(text, format)")
    return make(text_of(c, n.this).str.to_datetime(_format(c, pattern)).cast(nw.Datetime("us")), TIMESTAMP)


def _to_text(c: Compiler, n: exp.TimeToStr) -> Value:
    return make(_moment(c, n.this).expr.dt.to_string(_format(c, n.args.get("format"))), DataType.TEXT)


def _diff(c: Compiler, n: exp.DateDiff) -> Value:
    """Borders of the unit between two moments, as DuckDB's date_diff counts them."""
    unit = str(n.args["unit"].name).upper() if n.args.get("unit") else "DAY"
    late, early = c.meet(n, _moment(c, n.this), _moment(c, n.expression))
    a, b = late.expr, early.expr
    months = (a.dt.year() - b.dt.year()).cast(nw.Int64) * 12 + a.dt.month() - b.dt.month()
    if unit == "YEAR":
        return make((a.dt.year() - b.dt.year()).cast(nw.Int64), INTEGER)
    if unit == "MONTH":
        return make(months, INTEGER)
    if unit not in {"WEEK", "DAY", "HOUR", "MINUTE", "SECOND"}:
        raise c.error(n, f"counts {unit.lower()}", "use year, month, week, day, hour, minute or second")
    seconds = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}[unit]
    cut = [
        _cut(e.cast(nw.Datetime("us", v.column.zone or None if v.column else None)), unit)
        for e, v in ((a, late), (b, early))
    ]
    return make((cut[0] - cut[1]).dt.total_seconds() // seconds, INTEGER)


def _add(c: Compiler, n: exp.DateAdd) -> Value:
    return c.compile(exp.Add(this=n.this, expression=n.expression))


DATES: Final[Mapping[Any, Handler]] = {
    exp.Extract: _extract,
    "date_part": _date_part,
    exp.Year: _unit("YEAR"),
    exp.Quarter: _unit("QUARTER"),
    exp.Month: _unit("MONTH"),
    exp.Week: _unit("WEEK"),
    exp.Day: _unit("DAY"),
    exp.Hour: _unit("HOUR"),
    exp.Minute: _unit("MINUTE"),
    exp.Second: _unit("SECOND"),
    exp.DayOfWeek: _unit("DOW"),
    exp.DayOfYear: _unit("DOY"),
    exp.TimestampTrunc: _trunc,
    exp.DateTrunc: _trunc,
    exp.DateFromParts: _make_date,
    exp.TimestampFromParts: _make_timestamp,
    exp.Date: _date,
    "to_date": _to_date,
    exp.UnixToTime: _to_timestamp,
    exp.StrToTime: _to_timestamp,
    exp.TimeToStr: _to_text,
    exp.DateDiff: _diff,
    exp.DateAdd: _add,
}
