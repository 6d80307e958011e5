"""What the steps after a read need of its rows, so that a source leaves the others where they are.

A narrowing never decides which rows an execution has: the steps still see every row that comes and choose again. So a
source may give more rows than asked for, as long as none is missing that meets all the comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from sqlglot import exp

Operator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">=", "null", "filled"]
SURE_DIGITS = 15
"""Numbers of so many digits are the same as decimals and as floats."""


class Comparison(Struct, frozen=True):
    """A column beside a constant of its type; `null` and `filled` (not null) have none."""

    column: str
    operator: Operator
    value: Any = None


class Narrowing(Struct, frozen=True):
    """What is needed.

    Attributes:
        columns: Names, in the order of the stream; empty: all.
        where: Rows that do not meet every one of these are not needed.
        rows: So many of the rows that meet `where` are enough; 0: all of them.
    """

    columns: tuple[str, ...] = ()
    where: tuple[Comparison, ...] = ()
    rows: int = 0


class Kept(Struct, frozen=True):
    """What a step keeps of the frame it is given; a later step may build on it where the columns keep their names.

    Attributes:
        where: A condition in SQL; rows for which it is not true are left out.
        columns: The columns that are left; empty: all.
        rows: The first so many rows; 0: all.
    """

    where: str = ""
    columns: tuple[str, ...] = ()
    rows: int = 0


def comparisons(text: str, columns: Mapping[str, Column]) -> tuple[list[Comparison], bool]:
    """The comparisons that each row of a condition meets, and whether they are the whole of it.

    Raises:
        ConfigError: the text is not an expression.
    """
    from sqlglot import exp

    from headrace.sdk.expressions import parse

    found: list[Comparison] = []
    whole = True
    waiting = [parse(text)]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, exp.Paren):
            waiting.insert(0, part.this)
        elif isinstance(part, exp.And):
            waiting[:0] = [part.this, part.expression]
        elif isinstance(part, exp.Between) and not part.args.get("symmetric"):
            low = exp.GTE(this=part.this, expression=part.args["low"])
            waiting[:0] = [low, exp.LTE(this=part.this, expression=part.args["high"])]
        elif (one := _comparison(part, columns)) is not None:
            found.append(one)
        elif all(type(node) in _cannot_fail() for node in part.walk()):
            whole = False
        else:  # a value that stops the step must be seen by it
            return [], False
    return found, whole


@lru_cache(maxsize=1)
def _cannot_fail() -> frozenset[type[exp.Expr]]:
    """Parts of a condition that no row can stop."""
    from sqlglot import exp

    return frozenset({
        exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.Null,
        exp.Boolean, exp.In, exp.Like, exp.ILike, exp.Between, exp.Column, exp.Identifier, exp.Literal, exp.Neg,
        exp.Lower, exp.Upper, exp.Trim, exp.Coalesce,
    })  # fmt: skip


def _comparison(part: exp.Expr, columns: Mapping[str, Column]) -> Comparison | None:
    from sqlglot import exp

    if isinstance(part, exp.Is) and isinstance(part.expression, exp.Null):
        column = _column(part.this, columns)
        return Comparison(column.name, "null") if column else None
    if isinstance(part, exp.Not):
        inner = _comparison(part.this, columns)
        return Comparison(inner.column, "filled") if inner and inner.operator == "null" else None
    operators: dict[type[exp.Expr], tuple[Operator, Operator]] = {
        exp.EQ: ("=", "="), exp.NEQ: ("<>", "<>"), exp.LT: ("<", ">"), exp.LTE: ("<=", ">="), exp.GT: (">", "<"),
        exp.GTE: (">=", "<="),
    }  # fmt: skip
    if type(part) not in operators:
        return None
    straight, turned = operators[type(part)]
    for place, constant, operator in ((part.this, part.expression, straight), (part.expression, part.this, turned)):
        column = _column(place, columns)
        value = _constant(constant, column) if column else None
        if column and value is not None:
            return Comparison(column.name, operator, value)
    return None


def _column(part: exp.Expr, columns: Mapping[str, Column]) -> Column | None:
    from sqlglot import exp

    from headrace.sdk.expressions import resolve

    if not isinstance(part, exp.Column) or part.args.get("table"):
        return None
    name = resolve(part.name, bool(part.this.args.get("quoted")), columns)
    return columns[name] if name is not None else None


def _constant(part: exp.Expr, column: Column) -> Any:
    """The constant as a value of the column's type; None where they would not be compared by that type."""
    import datetime as dt
    from decimal import Decimal

    from sqlglot import exp

    sign = -1 if isinstance(part, exp.Neg) else 1
    literal = part.this if isinstance(part, exp.Neg) else part
    if not isinstance(literal, exp.Literal):
        return None
    text = str(literal.this)
    if literal.is_string:
        if column.type is DataType.TEXT:
            return text if sign > 0 else None
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        if column.type is DataType.DATE:
            return moment.date() if len(text) <= 10 else None
        zone = dt.UTC if column.zone == "UTC" else None
        plain = column.type is DataType.TIMESTAMP and moment.tzinfo is None and column.zone in {"", "UTC"}
        return moment.replace(tzinfo=zone) if plain else None
    if column.type is DataType.INTEGER:
        return sign * int(text) if text.isdigit() and len(text) < 19 else None
    plain = text.replace(".", "", 1).isdigit() and len(text) <= SURE_DIGITS
    if column.type is DataType.DECIMAL and column.precision <= SURE_DIGITS and plain:
        return sign * Decimal(text)
    return None


def compose(steps: Sequence[Kept], columns: Mapping[str, Column]) -> Narrowing:
    """What steps that follow one another need of the rows of a source.

    Raises:
        ConfigError: a condition is no expression, or names a column that is not there.
    """
    from headrace.sdk.expressions import columns_of, expression

    where: list[Comparison] = []
    used: set[str] = set()
    known = dict(columns)
    rows, whole, chosen = 0, True, False
    for step in steps:
        if step.where:
            if rows:
                break
            expression(step.where, known)
            used |= {name for name in known if name.lower() in {one.lower() for one in columns_of(step.where)}}
            found, all_of_it = comparisons(step.where, known)
            where += found
            whole = whole and all_of_it
        if step.columns:
            chosen = True
            known = {name: known[name] for name in step.columns if name in known}
        if step.rows and whole:
            rows = min(rows or step.rows, step.rows)
    wanted = tuple(name for name in columns if name in known or name in used) if chosen else ()
    return Narrowing(wanted if len(wanted) < len(columns) else (), tuple(where), rows)
