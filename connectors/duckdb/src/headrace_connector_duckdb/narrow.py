"""Comparisons as the engine's expressions, for types that it compares as the steps do; the others are left to these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from duckdb import ColumnExpression, ConstantExpression, Expression
from headrace.sdk.narrowing import Comparison

_OPERATORS = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_COMPARED = frozenset({
    "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "decimal", "date",
    "timestamp", "timestamp with time zone",
})  # fmt: skip


def conditions(types: Mapping[str, Any], where: Sequence[Comparison]) -> tuple[list[Expression], bool]:
    """Conditions that every needed row meets, and whether they leave out every other row.

    A text is only looked for: it equals itself under every collation.
    """
    found: list[Expression] = []
    whole = True
    for one in where:
        place, kind = ColumnExpression(one.column), types[one.column].id
        looked_for = kind == "varchar" and str(types[one.column]) == "VARCHAR" and one.operator == "="
        if one.operator in {"null", "filled"}:
            found.append(place.isnull() if one.operator == "null" else place.isnotnull())
        elif kind in _COMPARED or looked_for:
            found.append(_OPERATORS[one.operator](place, ConstantExpression(one.value)))
            whole = whole and not looked_for
        else:
            whole = False
    return found, whole
