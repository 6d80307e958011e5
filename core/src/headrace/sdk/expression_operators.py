"""Names, literals, operators, CASE and CAST of expressions."""
# ruff: noqa: ARG001, ARG005 - one shape for all handlers

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
from sqlglot import exp

from headrace.sdk.expression_types import cast, target
from headrace.sdk.expression_values import MOMENTS, NUMBERS, Handler, Value
from headrace.sdk.expressions import position, resolve, unknown_column
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sdk.expression_compiler import Compiler

_FIXED_S: Final = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1, "MILLISECOND": 0.001}
_MONTHS: Final = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}


def _column(c: Compiler, node: exp.Column) -> Value:
    name = node.name
    if node.args.get("table"):
        raise c.error(
            node, f"names '{node.sql(dialect='duckdb')}'", "write the column alone, in double quotes if needed"
        )
    if isinstance(node.this, exp.Star):
        raise c.error(node, "uses *, which only count(*) may")
    if c.aggregate and not c.inside:
        raise c.error(node, f"has the column '{name}' outside every aggregate", "wrap it, as in any_value(...)")
    if c.known is None:
        return Value(nw.col(name))
    real = resolve(name, bool(node.this.args.get("quoted")), c.known)
    if real is None:
        raise unknown_column(c.text, position(node), name, c.known)
    shape = c.known[real]
    typed = shape if isinstance(shape, Column) else None
    return Value(nw.col(real), typed.type if typed else None, column=typed)


def _literal(c: Compiler, node: exp.Literal) -> Value:
    if node.is_string:
        return Value(nw.lit(str(node.this)), DataType.TEXT, str(node.this))
    text = str(node.this)
    if text.isdigit():
        whole = int(text) if len(text) < 20 else 1 << 70
        if whole >= 1 << 63:
            raise c.error(node, "has a number beyond 64 bits")
        return Value(nw.lit(whole, dtype=nw.Int64()), DataType.INTEGER, whole)
    real = float(text)
    return Value(nw.lit(real), DataType.FLOAT, real)


def _and(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    return Value(c.boolean(node, a) & c.boolean(node, b), DataType.BOOLEAN)


def _or(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    return Value(c.boolean(node, a) | c.boolean(node, b), DataType.BOOLEAN)


def _concat(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    return Value(nw.concat_str([cast(a, DataType.TEXT), cast(b, DataType.TEXT)]), DataType.TEXT)


def _plus(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    return _add(c, node, a, b, 1)


def _minus(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    return _add(c, node, a, b, -1)


def _add(c: Compiler, node: Any, a: Value, b: Value, sign: int) -> Value:
    if sign > 0 and (a.months or (a.kind is DataType.DURATION and b.kind in MOMENTS)):
        a, b = b, a
    if b.months:
        return Value(a.expr.dt.offset_by(f"{sign * b.months}mo"), a.kind, column=a.column)
    if b.kind is DataType.DURATION and a.kind in {DataType.DATE, DataType.TIMESTAMP, DataType.DURATION, None}:
        whole_days = isinstance(b.constant, dt.timedelta) and b.constant % dt.timedelta(days=1) == dt.timedelta(0)
        base, kind = a.expr, a.kind
        if kind is DataType.DATE and not whole_days:
            base, kind = base.cast(nw.Datetime("us")), DataType.TIMESTAMP
        return Value(base + b.expr if sign > 0 else base - b.expr, kind, column=a.column)
    if a.kind is DataType.DATE and b.kind is DataType.INTEGER:
        days = (b.expr * 86_400_000_000).cast(nw.Duration("us"))
        return Value(a.expr + days if sign > 0 else a.expr - days, DataType.DATE)
    if sign < 0 and a.kind in MOMENTS and b.kind in MOMENTS | {DataType.TEXT}:
        a, b = c.meet(node, a, b)
        span = a.expr - b.expr
        if a.kind is DataType.DATE:
            return Value(span.dt.total_minutes() // 1440, DataType.INTEGER)
        return Value(span, DataType.DURATION)
    c.number(node, a, b)
    return Value(a.expr + b.expr if sign > 0 else a.expr - b.expr, _wider(a, b))


def _times(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    spans = [v for v in (a, b) if v.kind is DataType.DURATION]
    if spans and not (a.months or b.months):
        return Value(a.expr * b.expr, DataType.DURATION)
    c.number(node, a, b)
    return Value(a.expr * b.expr, _wider(a, b))


def _wider(a: Value, b: Value) -> DataType | None:
    if a.kind is None or b.kind is None:
        return None
    return next(k for k in (DataType.FLOAT, DataType.DECIMAL, DataType.INTEGER) if k in {a.kind, b.kind})


def _nonzero(b: Value, made: nw.Expr) -> nw.Expr:
    if isinstance(b.constant, (int, float)) and b.constant != 0:
        return made
    return nw.when(b.expr != 0).then(made)


def _divide(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    c.number(node, a, b)
    left = a.expr.cast(nw.Float64) if a.kind in {DataType.INTEGER, None} else a.expr
    return Value(_nonzero(b, left / b.expr), DataType.DECIMAL if _wider(a, b) is DataType.DECIMAL else DataType.FLOAT)


def _whole(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    """`//` towards zero; the frame's own `//` goes down."""
    c.number(node, a, b)
    down = a.expr // b.expr
    up = nw.when(((a.expr < 0) != (b.expr < 0)) & (down * b.expr != a.expr)).then(down + 1).otherwise(down)
    return Value(_nonzero(b, up), _wider(a, b))


def _modulo(c: Compiler, node: Any, a: Value, b: Value) -> Value:
    """`%` with the sign of the dividend; the frame's own takes the divisor's."""
    c.number(node, a, b)
    down = a.expr % b.expr
    up = nw.when((down != 0) & ((a.expr < 0) != (b.expr < 0))).then(down - b.expr).otherwise(down)
    return Value(_nonzero(b, up), _wider(a, b))


def _compare(operate: Callable[[nw.Expr, nw.Expr], nw.Expr]) -> Handler:
    def made(c: Compiler, node: Any) -> Value:
        a, b = c.meet(node, c.compile(node.this), c.compile(node.expression))
        return Value(operate(a.expr, b.expr), DataType.BOOLEAN)

    return made


def _negative(c: Compiler, node: exp.Neg) -> Value:
    value = c.compile(node.this)
    if isinstance(value.constant, (int, float)) and not isinstance(value.constant, bool):
        return Value(nw.lit(-value.constant, dtype=nw.Int64() if isinstance(value.constant, int) else None), value.kind,
                     -value.constant)  # fmt: skip
    if value.months:
        return Value(value.expr, value.kind, months=-value.months)
    if value.kind is not DataType.DURATION:
        c.number(node, value)
    return Value(value.expr * -1, value.kind)


def _is(c: Compiler, node: exp.Is) -> Value:
    value = c.compile(node.this)
    if isinstance(node.expression, exp.Null):
        return Value(value.expr.is_null(), DataType.BOOLEAN)
    if isinstance(node.expression, exp.Boolean):
        truth = c.boolean(node, value)
        wanted = truth if node.expression.this else ~truth
        return Value(nw.when(wanted).then(nw.lit(True)).otherwise(nw.lit(False)), DataType.BOOLEAN)
    raise c.error(node, "uses IS with something else than NULL, TRUE or FALSE")


def _in(c: Compiler, node: exp.In) -> Value:
    value = c.compile(node.this)
    if not node.expressions:
        raise c.error(node, "uses IN without a list of values", "join with the other table instead")
    found: nw.Expr | None = None
    null = False
    plain: list[Any] = []
    for item in node.expressions:
        other = c.compile(item)
        if other.constant is None:
            null = True
            continue
        a, b = c.meet(node, value, other)
        if b.is_constant and a.kind == b.kind and not isinstance(b.constant, float):
            plain.append(b.constant)
            continue
        found = a.expr == b.expr if found is None else found | (a.expr == b.expr)
    if plain:
        listed = value.expr.is_in(plain)
        found = listed if found is None else found | listed
    missing = nw.lit(None, dtype=nw.Boolean())
    if null:
        found = missing if found is None else found | missing
    return Value(found if found is not None else missing, DataType.BOOLEAN)


def _between(c: Compiler, node: exp.Between) -> Value:
    value = c.compile(node.this)
    a, low = c.meet(node, value, c.compile(node.args["low"]))
    b, high = c.meet(node, value, c.compile(node.args["high"]))
    return Value((a.expr >= low.expr) & (b.expr <= high.expr), DataType.BOOLEAN)


def same(c: Compiler, node: Any) -> Value:
    """`IS NOT DISTINCT FROM`: null equals null."""
    a, b = c.meet(node, c.compile(node.this), c.compile(node.expression))
    both = a.expr.is_null() & b.expr.is_null()
    return Value(nw.when(a.expr == b.expr).then(nw.lit(True)).otherwise(both), DataType.BOOLEAN)


def _different(c: Compiler, node: Any) -> Value:
    return Value(~same(c, node).expr, DataType.BOOLEAN)


def _not(c: Compiler, node: exp.Not) -> Value:
    return Value(~c.boolean(node, c.compile(node.this)), DataType.BOOLEAN)


def _case(c: Compiler, node: exp.Case) -> Value:
    subject = c.compile(node.this) if node.args.get("this") else None
    branches = []
    for branch in node.args["ifs"]:
        test = c.compile(branch.this)
        if subject is not None:
            a, b = c.meet(branch, subject, test)
            test = Value(a.expr == b.expr, DataType.BOOLEAN)
        branches.append((c.boolean(branch, test), c.compile(branch.args["true"])))
    default = node.args.get("default")
    return _choose(c, node, branches, c.compile(default) if default is not None else None)


def _if(c: Compiler, node: exp.If) -> Value:
    other = node.args.get("false")
    test = c.boolean(node, c.compile(node.this))
    return _choose(c, node, [(test, c.compile(node.args["true"]))], c.compile(other) if other is not None else None)


def _choose(c: Compiler, node: Any, branches: list[tuple[nw.Expr, Value]], default: Value | None) -> Value:
    results = [value for _, value in branches] + ([default] if default else [])
    real = [value for value in results if value.constant is not None]
    for value in real[1:]:
        c.meet(node, real[0], value)
    made: nw.Expr = default.expr if default else nw.lit(None)
    for test, value in reversed(branches):
        made = nw.when(test).then(value.expr).otherwise(made)
    kinds = {value.kind for value in real}
    kind = kinds.pop() if len(kinds) == 1 else _wider(real[0], real[-1]) if real and kinds <= NUMBERS else None
    return Value(made, kind)


def _cast(c: Compiler, node: exp.Cast) -> Value:
    value = c.compile(node.this)
    wanted = target(node.to)
    if wanted is None:
        raise c.error(
            node, f"casts to {node.to.sql(dialect='duckdb')}", "use integer, double, decimal(p,s), varchar, ..."
        )
    if value.kind is DataType.TEXT and value.is_constant and wanted.type in MOMENTS:
        return c.moment(
            node,
            Value(value.expr, wanted.type, column=wanted),
            str(value.constant)[: 10 if wanted.type is DataType.DATE else None],
        )
    return Value(cast(value, wanted.type, wanted), wanted.type, column=wanted)


def _interval(c: Compiler, node: exp.Interval) -> Value:
    unit = str(node.unit.name if node.unit else "").upper().rstrip("S")
    amount = node.this
    if isinstance(amount, exp.Literal) and str(amount.this).lstrip("-").replace(".", "", 1).isdigit():
        number = float(amount.this)
        if unit in _MONTHS:
            return Value(nw.lit(0), DataType.DURATION, months=int(number) * _MONTHS[unit])
        if unit in _FIXED_S and number * _FIXED_S[unit] < 1e11:
            span = dt.timedelta(seconds=number * _FIXED_S[unit])
            return Value(nw.lit(span), DataType.DURATION, span)
    elif unit in _FIXED_S and amount is not None:
        value = c.compile(amount)
        c.number(node, value)
        return Value((value.expr * int(_FIXED_S[unit] * 1_000_000)).cast(nw.Duration("us")), DataType.DURATION)
    raise c.error(node, "has an interval that is not understood", "write INTERVAL '3 days', or day(n) for columns")


CHAINS: Final[Mapping[Any, Callable[[Compiler, Any, Value, Value], Value]]] = {
    exp.And: _and, exp.Or: _or, exp.Add: _plus, exp.Sub: _minus, exp.Mul: _times, exp.Div: _divide, exp.Mod: _modulo,
    exp.IntDiv: _whole, exp.DPipe: _concat,
}  # fmt: skip
NODES: Final[Mapping[Any, Handler]] = {
    exp.Column: _column, exp.Literal: _literal, exp.Paren: lambda c, n: c.compile(n.this),
    exp.Null: lambda c, n: Value(nw.lit(None), None, None),
    exp.Boolean: lambda c, n: Value(nw.lit(bool(n.this)), DataType.BOOLEAN, bool(n.this)),
    exp.EQ: _compare(lambda a, b: a == b), exp.NEQ: _compare(lambda a, b: a != b),
    exp.LT: _compare(lambda a, b: a < b), exp.LTE: _compare(lambda a, b: a <= b),
    exp.GT: _compare(lambda a, b: a > b), exp.GTE: _compare(lambda a, b: a >= b),
    exp.Neg: _negative, exp.Not: _not, exp.Is: _is, exp.In: _in, exp.Between: _between, exp.NullSafeEQ: same,
    exp.NullSafeNEQ: _different, exp.Case: _case, exp.If: _if, exp.Cast: _cast, exp.Interval: _interval,
}  # fmt: skip
