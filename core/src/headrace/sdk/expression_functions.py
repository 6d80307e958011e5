"""The functions that expressions may call; nothing else is callable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
from sqlglot import exp

from headrace.sdk.expression_types import cast
from headrace.sdk.expression_values import Handler, Value, make, text_of
from headrace.sdk.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sdk.expression_compiler import Compiler

TEXT, INTEGER, FLOAT, BOOLEAN = DataType.TEXT, DataType.INTEGER, DataType.FLOAT, DataType.BOOLEAN


def _text(operate: Callable[[nw.Expr], nw.Expr], kind: DataType = TEXT) -> Handler:
    return lambda c, n: make(operate(text_of(c, n.this)), kind)


def _number(operate: Callable[[nw.Expr], nw.Expr], kind: DataType | None = FLOAT) -> Handler:
    def made(c: Compiler, n: Any) -> Value:
        value = c.compile(n.this)
        c.number(n, value)
        return make(operate(value.expr), kind or value.kind)

    return made


def _trim(c: Compiler, n: exp.Trim) -> Value:
    chars = c.literal_text(n.expression, "the characters") if n.args.get("expression") else " "
    text, side = text_of(c, n.this), str(n.args.get("position") or "BOTH").upper()
    ends = {"LEADING": text.str.strip_chars_start, "TRAILING": text.str.strip_chars_end}
    return make(ends.get(side, text.str.strip_chars)(chars), TEXT)


def _substring(c: Compiler, n: exp.Substring) -> Value:
    start = c.literal_int(n.args.get("start"), "the first position")
    length = c.literal_int(n.args["length"], "a length") if n.args.get("length") else None
    text = text_of(c, n.this)
    if start < 0:
        return make(text.str.slice(start, length), TEXT)
    if start == 0 and length is not None:  # SQL counts the position before the first
        length = max(0, length - 1)
    return make(text.str.slice(max(0, start - 1), length), TEXT)


def _left(c: Compiler, n: Any) -> Value:
    return make(text_of(c, n.this).str.head(c.literal_int(n.expression, "a length")), TEXT)


def _right(c: Compiler, n: Any) -> Value:
    return make(text_of(c, n.this).str.tail(c.literal_int(n.expression, "a length")), TEXT)


def _replace(c: Compiler, n: exp.Replace) -> Value:
    old = c.literal_text(n.expression, "what to replace")
    new = c.literal_text(n.args.get("replacement"), "the replacement")
    text = text_of(c, n.this)
    return make(text.str.replace_all(old, new, literal=True) if old else text, TEXT)


def _concat(c: Compiler, n: exp.Concat) -> Value:
    return make(nw.concat_str([cast(c.compile(part), TEXT) for part in n.expressions], ignore_nulls=True), TEXT)


def _split_part(c: Compiler, n: exp.SplitPart) -> Value:
    mark = c.literal_text(n.args.get("delimiter"), "the separator")
    index = c.literal_int(n.args.get("part_index"), "the part's number")
    if not mark or not 1 <= index <= 1000:
        raise c.error(n, "needs a separator and a part from 1 to 1000")
    padded = nw.concat_str([text_of(c, n.this), nw.lit(mark * index)])  # so that part exists in every row
    return make(padded.str.split(mark).list.get(index - 1), TEXT)


def _pad(c: Compiler, n: exp.Pad) -> Value:
    width = c.literal_int(n.expression, "a width")
    fill = c.literal_text(n.args["fill_pattern"], "the fill") if n.args.get("fill_pattern") else " "
    if len(fill) != 1:
        raise c.error(n, "needs one character to fill with")
    cut = text_of(c, n.this).str.head(max(0, width))
    return make(cut.str.pad_start(width, fill) if n.args.get("is_left") else cut.str.pad_end(width, fill), TEXT)


def regex(c: Compiler, node: Any) -> str:
    """A written pattern that the engine's linear-time matcher takes."""
    pattern = c.literal_text(node, "a pattern")
    if re.search(r"\(\?(?:[=!]|<[=!])|\\[1-9]", pattern) or len(pattern) > 1_000:
        raise c.error(node, "has a pattern with look-around, back-references or over 1000 characters")
    return pattern


def _regexp_like(c: Compiler, n: exp.RegexpLike) -> Value:
    return make(text_of(c, n.this).str.contains(regex(c, n.expression)), BOOLEAN)


def _regexp_replace(c: Compiler, n: exp.RegexpReplace) -> Value:
    pattern, text = regex(c, n.expression), text_of(c, n.this)
    new = c.literal_text(n.args.get("replacement"), "the replacement").replace("$", "$$")
    new = re.sub(r"\\(\d)", r"${\1}", new)
    every = n.args.get("modifiers") is not None and "g" in c.literal_text(n.args["modifiers"], "the flags")
    return make(text.str.replace_all(pattern, new) if every else text.str.replace(pattern, new), TEXT)


def _like(c: Compiler, n: Any, escape: str = "") -> Value:
    pattern, parts, skip = c.literal_text(n.expression, "a pattern"), [], False
    for char in pattern:
        if skip or char not in {"%", "_", escape}:
            parts.append(re.escape(char))
            skip = False
        elif char == escape:
            skip = True
        else:
            parts.append(".*" if char == "%" else ".")
    flags = "(?is)" if isinstance(n, exp.ILike) else "(?s)"
    found = text_of(c, n.this).str.contains(f"{flags}^{''.join(parts)}$")
    return make(~found if n.args.get("negate") else found, BOOLEAN)


def _escape(c: Compiler, n: exp.Escape) -> Value:
    return _like(c, n.this, c.literal_text(n.expression, "the escape character"))


def _round(c: Compiler, n: exp.Round) -> Value:
    value = c.compile(n.this)
    c.number(n, value)
    digits = c.literal_int(n.args["decimals"], "the digits") if n.args.get("decimals") else 0
    if not 0 <= digits <= 15:
        raise c.error(n, "rounds to 0 to 15 digits")
    if value.kind in {INTEGER, DataType.DECIMAL}:
        return make(value.expr.round(digits) if value.kind is not INTEGER else value.expr, value.kind)
    shifted = value.expr * 10.0**digits  # half away from zero, as SQL has it
    away = nw.when(shifted < 0).then((shifted - 0.5).ceil()).otherwise((shifted + 0.5).floor())
    whole = nw.when(shifted.abs() < 2.0**52).then(away).otherwise(shifted)
    return make(whole / 10.0**digits, value.kind)


def _power(c: Compiler, n: exp.Pow) -> Value:
    a, b = c.compile(n.this), c.compile(n.expression)
    c.number(n, a, b)
    return make(a.expr.cast(nw.Float64) ** b.expr.cast(nw.Float64), FLOAT)


def _log(c: Compiler, n: exp.Log) -> Value:
    value, base = c.compile(n.expression or n.this), 10.0
    if n.args.get("expression"):
        base = float(c.literal_int(n.this, "the base"))
    return make(value.expr.log(base), FLOAT)


def _all_of(c: Compiler, n: Any) -> list[Value]:
    made = [c.compile(part) for part in (n.this, *n.expressions)]
    real = [value for value in made if value.constant is not None]
    return [c.meet(n, real[0], value)[1] for value in real] if real else made


def _kind(values: list[Value]) -> DataType | None:
    kinds = {value.kind for value in values}
    return kinds.pop() if len(kinds) == 1 else FLOAT if FLOAT in kinds and None not in kinds else None


def _coalesce(c: Compiler, n: exp.Coalesce) -> Value:
    values = _all_of(c, n)
    return make(nw.coalesce(*[value.expr for value in values]), _kind(values))


def _extreme(operate: Any) -> Handler:
    def made(c: Compiler, n: Any) -> Value:
        values = _all_of(c, n)
        return make(operate(*[value.expr for value in values]), _kind(values))

    return made


def _nullif(c: Compiler, n: exp.Nullif) -> Value:
    a, b = c.meet(n, c.compile(n.this), c.compile(n.expression))
    return make(nw.when(a.expr == b.expr).then(nw.lit(None)).otherwise(a.expr), a.kind)


def _sign(value: nw.Expr) -> nw.Expr:
    return (
        nw.when(value > 0)
        .then(nw.lit(1))
        .otherwise(nw.when(value < 0).then(nw.lit(-1)).otherwise(value * 0))
        .cast(nw.Int64)
    )


def _test(method: str) -> Handler:
    def made(c: Compiler, n: Any) -> Value:
        part = c.literal_text(n.expression, "a text")
        text = text_of(c, n.this).str
        return make(text.contains(part, literal=True) if method == "contains" else getattr(text, method)(part), BOOLEAN)

    return made


SCALARS: Final[Mapping[Any, Handler]] = {
    exp.Lower: _text(lambda e: e.str.to_lowercase()),
    exp.Upper: _text(lambda e: e.str.to_uppercase()),
    exp.Length: _text(lambda e: e.str.len_chars().cast(nw.Int64), INTEGER),
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.Left: _left,
    exp.Right: _right,
    exp.Replace: _replace,
    exp.Concat: _concat,
    exp.SplitPart: _split_part,
    exp.Pad: _pad,
    exp.StartsWith: _test("starts_with"),
    exp.EndsWith: _test("ends_with"),
    exp.Contains: _test("contains"),
    exp.RegexpLike: _regexp_like,
    exp.RegexpReplace: _regexp_replace,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.Abs: _number(lambda e: e.abs(), None),
    exp.Ceil: _number(lambda e: e.ceil(), None),
    exp.Floor: _number(lambda e: e.floor(), None),
    exp.Sqrt: _number(lambda e: e.sqrt()),
    exp.Exp: _number(lambda e: e.exp()),
    exp.Ln: _number(lambda e: e.log()),
    exp.Log: _log,
    exp.Pow: _power,
    exp.Round: _round,
    exp.Sign: _number(_sign, INTEGER),
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _extreme(nw.max_horizontal),
    exp.Least: _extreme(nw.min_horizontal),
}
