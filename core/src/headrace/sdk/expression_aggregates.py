"""Aggregates of expressions, with SQL's nulls: a sum of nothing is null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
from sqlglot import exp

from headrace.sdk.expression_values import Handler, Value, make
from headrace.sdk.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sdk.expression_compiler import Compiler

SQL_SUM_MIN_COUNT: Final = 1


def sum_of(value: nw.Expr) -> nw.Expr:
    """Sum that is null where there is no value."""
    return nw.when(value.count() >= SQL_SUM_MIN_COUNT).then(value.sum())


def _over(operate: Callable[[nw.Expr], nw.Expr], kind: DataType | None = None, *, number: bool = False) -> Handler:
    def made(c: Compiler, n: Any) -> Value:
        value = c.compile(n.this)
        if number:
            c.number(n, value)
        return make(operate(value.expr), kind or value.kind)

    return made


def _count(c: Compiler, n: exp.Count) -> Value:
    if isinstance(n.this, exp.Star):
        return make(nw.len().cast(nw.Int64), DataType.INTEGER)
    if isinstance(n.this, exp.Distinct):
        if len(n.this.expressions) != 1:
            raise c.error(n, "counts distinct values of more than one column")
        value = c.compile(n.this.expressions[0]).expr
        return make((value.n_unique() - (value.null_count() > 0).cast(nw.UInt32)).cast(nw.Int64), DataType.INTEGER)
    return make(c.compile(n.this).expr.count().cast(nw.Int64), DataType.INTEGER)


def _filter(c: Compiler, n: exp.Filter) -> Value:
    """`agg(x) FILTER (WHERE y)`: the aggregate of x where y, else null."""
    aggregate = n.this.copy()
    test = n.expression.this
    inner = exp.Literal.number(1) if isinstance(aggregate.this, exp.Star) else aggregate.this
    if type(aggregate) not in AGGREGATES or isinstance(inner, exp.Distinct):
        raise c.error(n, "filters something that is not a plain aggregate")
    aggregate.set("this", exp.Case(ifs=[exp.If(this=test, true=inner)]))
    return AGGREGATES[type(aggregate)](c, aggregate)


def _any_value(c: Compiler, n: Any) -> Value:
    inner = n.this if isinstance(n, exp.AnyValue) else n.this.this
    value = c.compile(inner)
    return make(value.expr.any_value(ignore_nulls=True), value.kind)


def _quantile(c: Compiler, n: exp.PercentileCont) -> Value:
    share = c.compile(n.expression).constant
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise c.error(n, "needs a share from 0 to 1, written out")
    return make(c.compile(n.this).expr.quantile(float(share), "linear"), DataType.FLOAT)


def _truth(operate: Callable[[nw.Expr], nw.Expr]) -> Handler:
    def made(c: Compiler, n: Any) -> Value:
        value = c.boolean(n, c.compile(n.this)).cast(nw.Int8)
        return make(operate(value) == 1, DataType.BOOLEAN)

    return made


_FLOAT: Final = DataType.FLOAT
AGGREGATES: Final[Mapping[Any, Handler]] = {
    exp.Sum: _over(sum_of, number=True),
    exp.Avg: _over(lambda e: e.mean(), _FLOAT, number=True),
    exp.Min: _over(lambda e: e.min()),
    exp.Max: _over(lambda e: e.max()),
    exp.Count: _count,
    exp.Filter: _filter,
    exp.Median: _over(lambda e: e.median(), _FLOAT, number=True),
    exp.PercentileCont: _quantile,
    exp.Stddev: _over(lambda e: e.std(ddof=1), _FLOAT, number=True),
    exp.StddevSamp: _over(lambda e: e.std(ddof=1), _FLOAT, number=True),
    exp.StddevPop: _over(lambda e: e.std(ddof=0), _FLOAT, number=True),
    exp.Variance: _over(lambda e: e.var(ddof=1), _FLOAT, number=True),
    exp.VariancePop: _over(lambda e: e.var(ddof=0), _FLOAT, number=True),
    exp.AnyValue: _any_value,
    exp.IgnoreNulls: _any_value,
    exp.LogicalAnd: _truth(lambda e: e.min()),
    exp.LogicalOr: _truth(lambda e: e.max()),
}
