"""A compiled part of an expression, and what the tables of functions share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import narwhals as nw

from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.sdk.expression_compiler import Compiler

NUMBERS: Final = frozenset({DataType.INTEGER, DataType.FLOAT, DataType.DECIMAL})
MOMENTS: Final = frozenset({DataType.DATE, DataType.TIMESTAMP, DataType.TIME})
NOTHING: Final = object()


@dataclass(frozen=True)
class Value:
    """A compiled part: its expression, its logical type where known, its constant if it is one."""

    expr: nw.Expr
    kind: DataType | None = None
    constant: Any = NOTHING
    column: Column | None = None
    months: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether it is a literal."""
        return self.constant is not NOTHING


Handler: TypeAlias = "Callable[[Compiler, Any], Value]"


def make(expr: nw.Expr, kind: DataType | None = None) -> Value:
    """A part that is neither a literal nor a column."""
    return Value(expr, kind)


def text_of(c: Compiler, node: Any) -> nw.Expr:
    """A text argument; other known types are refused."""
    value = c.compile(node)
    if value.kind not in {None, DataType.TEXT, DataType.JSON, DataType.UUID}:
        raise c.error(node, f"gives {value.kind} to a text function", "CAST it to varchar first")
    return value.expr.cast(nw.String) if value.constant is None else value.expr
