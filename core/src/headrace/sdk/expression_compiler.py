"""Syntax tree of an expression -> narwhals expression: names, literals, operators, CASE and CAST."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
from sqlglot import exp

from headrace.sdk.expression_aggregates import AGGREGATES
from headrace.sdk.expression_dates import DATES
from headrace.sdk.expression_functions import SCALARS
from headrace.sdk.expression_operators import CHAINS, NODES
from headrace.sdk.expression_values import MOMENTS, NUMBERS, Handler, Value
from headrace.sdk.expressions import fail, position
from headrace.sdk.frames import near
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.sdk.errors import ConfigError

FUNCTIONS: Final[Mapping[Any, Handler]] = {**SCALARS, **DATES}
_OPERATORS: Final = frozenset(
    {
        exp.Like,
        exp.ILike,
        exp.Escape,
        exp.Pad,
        exp.DateFromParts,
        exp.TimestampFromParts,
        exp.TimestampTrunc,
        exp.DateTrunc,
        exp.UnixToTime,
        exp.StrToTime,
        exp.TimeToStr,
        exp.DayOfWeek,
        exp.DayOfYear,
        exp.DateDiff,
    }
)
_SPELLED: Final = frozenset(
    [
        "date_trunc",
        "lpad",
        "rpad",
        "make_date",
        "make_timestamp",
        "to_timestamp",
        "strptime",
        "strftime",
        "dayofweek",
        "dayofyear",
        "date_diff",
        "mod",
    ]
)


class Compiler:
    """Compiles one text."""

    def __init__(self, text: str, known: Mapping[str, Column | None] | None, *, aggregate: bool = False) -> None:
        self.text, self.known, self.aggregate = text, known, aggregate
        self.inside = False  # an aggregate
        self.any_aggregate = False

    def value(self, node: exp.Expr) -> Value:
        """Compile a whole expression.

        Raises:
            ConfigError: what is refused, and where.
        """
        made = self.compile(node)
        if self.aggregate and not self.any_aggregate:
            raise self.error(node, "has no aggregate", "write sum(...), avg(...), count(*) and the like")
        return made

    def error(self, node: exp.Expr, problem: str, hint: str = "") -> ConfigError:
        """An error at a part of the text."""
        return fail(self.text, position(node), problem, hint)

    def compile(self, node: exp.Expr) -> Value:
        """Compile a part."""
        if type(node) in CHAINS:
            return self._chain(node)
        handler = NODES.get(type(node)) or FUNCTIONS.get(_key(node))
        if handler is not None:
            result: Value = handler(self, node)
            return result
        if _key(node) in AGGREGATES:
            return self._aggregate(node)
        raise self._refused(node)

    def _refused(self, node: exp.Expr) -> ConfigError:
        if isinstance(node, exp.Func):
            name = _key(node) if isinstance(_key(node), str) else node.sql_name().lower()
            names = function_names()
            guess = near(str(name), names)
            hint = guess if guess.startswith("did") else "allowed are " + ", ".join(names)
            return self.error(node, f"uses '{name}', which is not an allowed function", hint)
        if isinstance(node, (exp.Query, exp.Subquery, exp.Exists)):
            return self.error(node, "has a query inside", "use the join or SQL node")
        return self.error(node, f"uses {node.key.upper()}, which expressions have not got", "see the list of operators")

    def literal_text(self, node: exp.Expr | None, what: str) -> str:
        """A text that must be written out."""
        if isinstance(node, exp.Literal) and node.is_string:
            return str(node.this)
        raise self.error(node or exp.Null(), f"needs {what} as a text in quotes")

    def literal_int(self, node: exp.Expr | None, what: str) -> int:
        """A whole number that must be written out."""
        if node is not None:
            made = self.compile(node)
            if isinstance(made.constant, int) and abs(made.constant) <= 10_000:
                return made.constant
        raise self.error(node or exp.Null(), f"needs {what} as a whole number up to 10000")

    def _aggregate(self, node: exp.Expr) -> Value:
        if not self.aggregate:
            raise self.error(node, "uses an aggregate, which needs groups", "use the aggregate or the window node")
        if self.inside:
            raise self.error(node, "has an aggregate inside an aggregate")
        self.inside = self.any_aggregate = True
        try:
            made: Value = AGGREGATES[_key(node)](self, node)
        finally:
            self.inside = False
        return made

    def _chain(self, node: exp.Expr) -> Value:
        parts, kind = [], type(node)
        while type(node) is kind:
            parts.append(node)
            node = node.this
        made = self.compile(node)
        for part in reversed(parts):
            made = CHAINS[kind](self, part, made, self.compile(part.expression))
        return made

    def meet(self, node: exp.Expr, a: Value, b: Value) -> tuple[Value, Value]:
        """Make two values comparable: text literals become dates beside dates; other mixtures are refused."""
        for left, right, flip in ((a, b, False), (b, a, True)):
            if left.kind in MOMENTS and right.kind is DataType.TEXT and right.is_constant:
                moved = self.moment(node, left, str(right.constant))
                return (moved, left) if flip else (left, moved)
        if a.kind is DataType.DATE and b.kind is DataType.TIMESTAMP:
            return Value(a.expr.cast(nw.Datetime("us")), DataType.TIMESTAMP), b
        if b.kind is DataType.DATE and a.kind is DataType.TIMESTAMP:
            return a, Value(b.expr.cast(nw.Datetime("us")), DataType.TIMESTAMP)
        if (
            a.kind
            and b.kind
            and a.kind != b.kind
            and not ({a.kind, b.kind} <= NUMBERS | {DataType.JSON, DataType.UUID})
        ):
            texts = {DataType.TEXT, DataType.JSON, DataType.UUID}
            if not {a.kind, b.kind} <= texts:
                raise self.error(node, f"mixes {a.kind} and {b.kind}", "CAST one of them")
        return a, b

    def moment(self, node: exp.Expr, like: Value, text: str) -> Value:
        """A literal date, time or timestamp of the type it is compared with."""
        try:
            if like.kind is DataType.TIME:
                return Value(nw.lit(dt.time.fromisoformat(text)), like.kind)
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise self.error(node, f"compares {like.kind} with '{text}'", "write it as '2024-12-31'") from None
        if like.kind is DataType.DATE and len(text) <= 10:
            return Value(nw.lit(moment.date()), DataType.DATE)
        made = nw.lit(moment.replace(tzinfo=None)).cast(nw.Datetime("us"))
        zone = like.column.zone if like.column else ""
        return Value(made.dt.replace_time_zone(zone) if zone else made, DataType.TIMESTAMP)

    def number(self, node: exp.Expr, *values: Value) -> None:
        """Refuse what is surely not a number."""
        for value in values:
            if value.kind and value.kind not in NUMBERS:
                raise self.error(node, f"calculates with {value.kind}", "CAST it to a number first")

    def boolean(self, node: exp.Expr, value: Value) -> nw.Expr:
        """Refuse what is surely not true or false."""
        if value.kind not in {None, DataType.BOOLEAN}:
            raise self.error(node, f"uses {value.kind} where true or false is needed", "compare it with something")
        return value.expr.cast(nw.Boolean) if value.constant is None else value.expr


def function_names() -> list[str]:
    """Names of the allowed functions, sorted."""
    named = {key if isinstance(key, str) else key.sql_name().lower() for key in FUNCTIONS if key not in _OPERATORS}
    return sorted(named | _SPELLED)


def _key(node: exp.Expr) -> Any:
    return node.name.lower() if isinstance(node, exp.Anonymous) else type(node)
