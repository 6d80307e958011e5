"""Words of headrace's expressions, made of parts and never of pasted texts."""

from __future__ import annotations

from typing import Any

DIALECT = "duckdb"
_TYPES = {"text": "TEXT", "number": "DOUBLE", "boolean": "BOOLEAN"}


def column(name: str) -> Any:
    """A column, whatever its name."""
    from sqlglot import exp

    return exp.column(name, quoted=True)


def literal(value: str | float | bool | None) -> Any:
    """A value that is written out."""
    from sqlglot import exp

    if value is None or isinstance(value, bool):
        return exp.Null() if value is None else exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    made = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=made) if value < 0 else made


def call(name: str, *parts: Any) -> Any:
    """A function."""
    from sqlglot import exp

    return exp.func(name, *parts, dialect=DIALECT)


def cast(value: Any, kind: str) -> Any:
    """A value as text, number or boolean."""
    from sqlglot import exp

    return exp.cast(value, _TYPES[kind], dialect=DIALECT)


def both(parts: list[Any], *, every: bool) -> Any:
    """Conditions that all hold, or one of them."""
    from sqlglot import exp

    return exp.and_(*parts) if every else exp.or_(*parts)


def written(value: Any) -> str:
    """The text of it."""
    return str(value.sql(dialect=DIALECT))


def select(columns: list[tuple[str, Any]]) -> str:
    """A SELECT of these columns over the input of a SQL step."""
    from sqlglot import exp

    named = [exp.alias_(value, name, quoted=True) for name, value in columns]
    return written(exp.select(*named).from_("input"))
