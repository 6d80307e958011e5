"""SQL scalar expressions over columns: parsed with sqlglot, held to an allow-list, compiled to narwhals.

Values are those of DuckDB, which the tests compare with: three-valued logic, `/` is always the real quotient, `//`
and `%` cut towards zero. Dividing by zero gives NULL, INTEGER has 64 bits, and a date plus whole days stays a date.
An unquoted name matches a column exactly, else by letter case. A CAST that fails stops the node; the cast node can
give nulls or reject rows instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import narwhals as nw
    from sqlglot import exp

MAX_TEXT = 10_000
MAX_NODES = 1_000
MAX_DEPTH = 50
_DIALECT = "duckdb"

Columns: TypeAlias = "Sequence[Column] | Sequence[str] | Mapping[str, Column] | None"


class ExpressionProblem(Struct, frozen=True):
    """What is wrong with an expression, and the 1-based character where."""

    message: str
    position: int = 0
    hint: str = ""


def expression(text: str, columns: Columns = None) -> nw.Expr:
    """The narwhals expression of a SQL scalar expression.

    Args:
        text: One expression, at most 10,000 characters.
        columns: Columns of the frame. With logical `Column`s, text literals adapt to dates and types are checked.

    Raises:
        ConfigError: names the text and the place; `details` has `position` (1-based).
    """
    return typed(text, columns)[0]


def typed(text: str, columns: Columns = None, *, aggregate: bool = False) -> tuple[nw.Expr, DataType | None]:
    """Like `expression`, with the logical type of the result where it is known."""
    from headrace.sdk.expression_compiler import Compiler

    value = Compiler(text, scope(columns), aggregate=aggregate).value(parse(text))
    return value.expr, value.kind


def condition(text: str, columns: Columns = None, field: str = "") -> nw.Expr:
    """An expression that must be true or false.

    Raises:
        ConfigError: it gives another type.
    """
    try:
        expr, kind = typed(text, columns)
        if kind not in {None, DataType.BOOLEAN}:
            raise fail(text, 1, f"gives {kind}, a condition must be true or false", "compare it with something")
    except ConfigError as error:
        raise named(error, field) from None
    known = scope(columns)
    if known and not columns_of(text):  # a constant must be as long as the frame
        from headrace.sdk.frames import nw

        anchor = nw.col(next(iter(known))).is_null()
        expr = expr & (anchor | ~anchor)
    return expr


def named(error: ConfigError, field: str) -> ConfigError:
    """The error, saying which field of the node it is about."""
    return ConfigError(
        f"'{field}': {error.message}" if field else error.message, hint=error.hint, detail=error.detail,
        **{**error.details, **({"field": field} if field else {})},
    )  # fmt: skip


def aggregate_expression(text: str, columns: Columns = None) -> nw.Expr:
    """An expression of aggregates (`sum(a) / count(*)`), for grouping.

    Raises:
        ConfigError: as `expression`; or a column stands outside every aggregate.
    """
    return typed(text, columns, aggregate=True)[0]


def check(text: str, columns: Columns = None, *, aggregate: bool = False) -> list[ExpressionProblem]:
    """All problems of an expression: every unknown column, or the first other one."""
    try:
        tree = parse(text)
    except ConfigError as error:
        return [_problem(error)]
    known = scope(columns)
    found = []
    if known is not None:
        for place, name, quoted in _names(tree):
            if resolve(name, quoted, known) is None:
                found.append(_problem(unknown_column(text, place, name, known)))
    if found:
        return found
    try:
        typed(text, columns, aggregate=aggregate)
    except ConfigError as error:
        return [_problem(error)]
    return []


def columns_of(text: str) -> tuple[str, ...]:
    """Names of the columns that the expression reads, in order of appearance.

    Raises:
        ConfigError: the text is not an expression.
    """
    return tuple(dict.fromkeys(name for _, name, _ in _names(parse(text))))


def scope(columns: Columns) -> dict[str, Column | None] | None:
    """Columns by name; None where they are not known."""
    if columns is None:
        return None
    if isinstance(columns, Mapping):
        return dict(columns)
    return {c.name: c if isinstance(c, Column) else None for c in map(_as_column, columns)}


def resolve(name: str, quoted: bool, known: Mapping[str, Any]) -> str | None:
    """The column meant: exactly, else (unquoted) the only one that differs in letter case."""
    if name in known:
        return name
    if quoted:
        return None
    same = [other for other in known if other.lower() == name.lower()]
    return same[0] if len(same) == 1 else None


class _Name(Struct, frozen=True):
    name: str


def _as_column(value: Any) -> Any:
    return _Name(value) if isinstance(value, str) else value


def _names(tree: exp.Expr) -> list[tuple[int, str, bool]]:
    from sqlglot import exp

    found = [(position(c), c.name, bool(c.this.args.get("quoted"))) for c in tree.find_all(exp.Column) if c.name]
    return sorted(found)


@lru_cache(maxsize=2048)
def parse(text: str) -> exp.Expr:
    """The syntax tree of one expression, within the bounds.

    Raises:
        ConfigError: too long, too deep, or not one expression.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if len(text) > MAX_TEXT:
        raise ConfigError(f"the expression has {len(text)} characters, {MAX_TEXT} are allowed; split it into steps")
    if not text.strip():
        raise ConfigError("the expression is empty; write a column name or a calculation", position=1)
    bound_tokens(text, _DIALECT, MAX_DEPTH)
    try:
        trees = sqlglot.parse(f"({text}\n)", dialect=_DIALECT)
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        lines = text.split("\n")
        line, col = int(first.get("line") or 1), int(first.get("col") or 1)
        at = sum(len(part) + 1 for part in lines[: line - 1]) + col - (1 if line == 1 else 0)
        raise fail(
            text, max(1, min(at, len(text))), "is not a SQL expression", "check brackets, quotes and commas"
        ) from None
    except RecursionError:
        raise ConfigError(f"the expression is nested more than {MAX_DEPTH} deep; split it into steps") from None
    tree = trees[0].this if len(trees) == 1 and isinstance(trees[0], exp.Paren) else None
    if not isinstance(tree, exp.Expr) or isinstance(tree, (exp.Block, exp.Tuple)):
        raise fail(text, 1, "is not one expression", "write one value or condition; statements belong in the SQL node")
    bound_tree(tree, MAX_NODES, MAX_DEPTH)
    return tree


def bound_tokens(text: str, dialect: str, depth: int) -> None:
    """Refuse what would nest the parser too deeply; runs before it.

    Raises:
        ConfigError: too deep, or not readable at all.
    """
    from sqlglot import tokenize
    from sqlglot.errors import SqlglotError

    try:
        tokens = tokenize(text, read=dialect)
    except SqlglotError as error:
        raise ConfigError("a quote is not closed; each ' or \" needs its pair", detail=str(error), position=1) from None
    level = prefix = 0
    for token in tokens:
        word = token.text.upper()
        opens = word in {"(", "[", "{", "CASE"}
        level += opens - (word in {")", "]", "}", "END"})
        prefix = prefix + 1 if word in {"NOT", "-", "+", "~", "@"} or opens else 0
        if level > depth or prefix > depth:
            raise ConfigError(
                f"the expression is nested more than {depth} deep; split it into steps", position=token.start + 1
            )


def bound_tree(tree: exp.Expr, nodes: int, depth: int) -> None:
    """Refuse large trees; a chain of one operator (`a + b + c`) counts as one level.

    Raises:
        ConfigError: too many nodes, or too deep.
    """
    from sqlglot import exp

    count, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        count += not isinstance(node, exp.Identifier)
        if count > nodes:
            raise ConfigError(f"there are more than {nodes} parts; split it into steps")
        if level > depth:
            raise ConfigError(f"it is nested more than {depth} deep; split it into steps")
        for child in node.iter_expressions():
            chain = isinstance(node, exp.Binary) and type(child) is type(node)
            stack.append((child, level + (not chain)))


def position(node: exp.Expr) -> int:
    """1-based character where a part begins; 0 if unknown."""
    starts = [n.meta["start"] for n in node.walk() if n.meta and "start" in n.meta]
    return min(starts) if starts else 0  # the text was parsed with one character before it


def fail(text: str, place: int, problem: str, hint: str = "") -> ConfigError:
    """An error that shows the line and points at the character."""
    place = max(1, place)
    start = text.rfind("\n", 0, place - 1) + 1
    line = text[start:].split("\n", 1)[0]
    offset = place - 1 - start
    cut = max(0, offset - 60)
    shown = line[cut : offset + 60]
    caret = " " * (offset - cut) + "^"
    brief = text.strip() if len(text) <= 80 else text.strip()[:77] + "..."
    return ConfigError(
        f"'{brief}' {problem} (character {place})" + (f"; {hint}" if hint else ""),
        hint=hint, detail=f"{shown}\n{caret}", position=place, text=text, caret=f"{shown}\n{caret}",
    )  # fmt: skip


def unknown_column(text: str, place: int, name: str, known: Mapping[str, Any]) -> ConfigError:
    """The error for a column that is not there."""
    from headrace.sdk.frames import near

    return fail(text, place, f"names the column '{name}', which is not there", near(name, known))


def _problem(error: ConfigError) -> ExpressionProblem:
    return ExpressionProblem(error.message, int(error.details.get("position", 0)), error.hint)
