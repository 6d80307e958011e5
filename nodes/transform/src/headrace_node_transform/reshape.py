"""Nodes that change the grain: aggregate, pivot, unpivot, window, explode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.sdk import ConfigError
from headrace.sdk.expression_aggregates import sum_of
from headrace.sdk.expressions import aggregate_expression, named
from headrace.sdk.frames import Frame, columns, nw, require
from headrace.sdk.frames import names as names_of
from headrace.sdk.types import DataType

from headrace_node_transform.configs import (
    AggregateConfig,
    AggregateRow,
    ExplodeConfig,
    PivotConfig,
    UnpivotConfig,
    WindowConfig,
    WindowRow,
)
from headrace_node_transform.single import Single

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = {DataType.INTEGER, DataType.FLOAT, DataType.DECIMAL}


def aggregate(function: str, value: nw.Expr) -> nw.Expr:
    """A named aggregate with SQL's nulls."""
    table: dict[str, Callable[[], nw.Expr]] = {
        "sum": lambda: sum_of(value),
        "avg": value.mean,
        "min": value.min,
        "max": value.max,
        "median": value.median,
        "count": lambda: value.count().cast(nw.Int64),
        "stddev": lambda: value.std(ddof=1),
        "variance": lambda: value.var(ddof=1),
        "count_distinct": lambda: (value.n_unique() - (value.null_count() > 0).cast(nw.UInt32)).cast(nw.Int64),
        "any_value": lambda: value.any_value(ignore_nulls=True),
    }
    return table[function]()


class Aggregate(Single[AggregateConfig]):
    """One row for each group."""

    def step(self, frame: Frame) -> Frame:
        """The result: the group columns and one column for each aggregate."""
        config = self.config
        require(frame, config.by, "by")
        names = [*config.by, *(row.name for row in config.aggregates)]
        if len(set(names)) < len(names):
            raise ConfigError("'aggregates': two results have the same name; give each its own", field="aggregates")
        made = [self._made(frame, index, row).alias(row.name) for index, row in enumerate(config.aggregates)]
        return frame.group_by(config.by).agg(made) if config.by else frame.select(made)

    def _made(self, frame: Frame, index: int, row: AggregateRow) -> nw.Expr:
        field = f"aggregates[{index}]"
        if row.expression:
            try:
                return aggregate_expression(row.expression, columns(frame))
            except ConfigError as error:
                raise named(error, f"{field}.expression") from None
        if not row.column:
            if row.function != "count":
                raise ConfigError(
                    f"'{field}.column': {row.function} needs a column; only count works without",
                    field=f"{field}.column",
                )
            return nw.len().cast(nw.Int64)
        require(frame, [row.column], f"{field}.column")
        _number(frame, row.function, row.column, f"{field}.column")
        return aggregate(row.function, nw.col(row.column))


def _number(frame: Frame, function: str, name: str, field: str) -> None:
    if function not in {"sum", "avg", "median", "stddev", "variance", "cumulative_sum", "moving_average"}:
        return
    kind = next(c.type for c in columns(frame) if c.name == name)
    if kind not in _NUMBERS:
        raise ConfigError(
            f"'{field}': {function} needs a number, '{name}' is {kind}; cast it first", field=field, column=name
        )


class Pivot(Single[PivotConfig]):
    """Values of one column become columns; the values are declared, so that the schema is known at once."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `by` and one for each value."""
        config = self.config
        require(frame, config.by, "by")
        require(frame, [config.column], "column")
        require(frame, [config.value], "value")
        _number(frame, config.function, config.value, "value")
        key = nw.col(config.column).cast(nw.String)
        made = [
            aggregate(config.function, nw.when(key == value).then(nw.col(config.value))).alias(value)
            for value in config.values
        ]
        if len({*config.by, *config.values}) < len(config.by) + len(config.values):
            raise ConfigError(
                "'values': a value appears twice, or is also a row column; name each once", field="values"
            )
        return frame.group_by(config.by).agg(made)


class Unpivot(Single[UnpivotConfig]):
    """Columns become rows."""

    def step(self, frame: Frame) -> Frame:
        """The result: the kept columns, the name and the value."""
        config = self.config
        require(frame, config.columns, "columns")
        require(frame, config.index, "index")
        kinds = {c.type for c in columns(frame) if c.name in config.columns}
        if len(kinds) > 1 and not kinds <= _NUMBERS:
            raise ConfigError(
                f"'columns': the columns are {', '.join(sorted(kinds))}; cast them to one type first", field="columns"
            )
        index = config.index or [n for n in names_of(frame) if n not in config.columns]
        if {config.name_to, config.value_to} & set(index) or config.name_to == config.value_to:
            raise ConfigError("'name_to': the new columns need names that are not taken", field="name_to")
        return frame.unpivot(config.columns, index=index, variable_name=config.name_to, value_name=config.value_to)


class Explode(Single[ExplodeConfig]):
    """Each item of a list becomes a row."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in`, lists replaced by their items."""
        require(frame, self.config.columns, "columns")
        plain = next((c for c in columns(frame) if c.name in self.config.columns and c.type is not DataType.LIST), None)
        if plain is not None:
            raise ConfigError(
                f"'columns': '{plain.name}' is {plain.type}, not a list", field="columns", column=plain.name
            )
        return frame.explode(self.config.columns)


class Window(Single[WindowConfig]):
    """Columns that look at other rows of the same partition."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in` and the results. Nulls come first in an ascending order."""
        config = self.config
        require(frame, config.partition_by, "partition_by")
        require(frame, [row.column for row in config.order_by], "order_by")
        names = names_of(frame)
        order = []
        for index, row in enumerate(config.order_by):  # `over` sorts upwards only: sort by the rank from above
            held = f"_order_{index}"
            if row.descending:
                rank = nw.col(row.column).rank("dense", descending=True)
                frame = frame.with_columns(
                    (rank.over(config.partition_by) if config.partition_by else rank).alias(held)
                )
            order.append(held if row.descending else row.column)
        made = [self._made(frame, index, row, order).alias(row.name) for index, row in enumerate(config.functions)]
        new = [row.name for row in config.functions]
        return frame.with_columns(made).select([*(n for n in names if n not in new), *new])

    def _made(self, frame: Frame, index: int, row: WindowRow, order: list[str]) -> nw.Expr:
        field, by = f"functions[{index}]", self.config.partition_by
        if row.function in {"row_number", "rank", "dense_rank", "count"} and not row.column:
            value = nw.col(names_of(frame)[0])
        elif not row.column:
            raise ConfigError(f"'{field}.column': {row.function} needs a column", field=f"{field}.column")
        else:
            require(frame, [row.column], f"{field}.column")
            _number(frame, row.function, row.column, f"{field}.column")
            value = nw.col(row.column)
        if row.function in {"sum", "avg", "min", "max", "count"}:
            made = (
                nw.len().cast(nw.Int64)
                if row.function == "count" and not row.column
                else aggregate(row.function, value)
            )
            return made.over(by) if by else made
        if not order:
            raise ConfigError(f"'order_by': {row.function} needs an order; name a column", field="order_by")
        if row.function in {"rank", "dense_rank"}:
            if len(order) > 1:
                raise ConfigError(
                    f"'order_by': {row.function} orders by one column; use row_number for several", field="order_by"
                )
            ranked = nw.col(order[0]).rank("min" if row.function == "rank" else "dense")
            return (ranked.over(by) if by else ranked).cast(nw.Int64)
        table: dict[str, Callable[[], nw.Expr]] = {
            "row_number": lambda: value.is_null().cast(nw.Int64).cum_count(),
            "lag": lambda: value.shift(row.rows),
            "lead": lambda: value.shift(-row.rows),
            "first": value.first,
            "last": value.last,
            "cumulative_sum": value.cum_sum,
            "cumulative_count": value.cum_count,
            "cumulative_max": value.cum_max,
            "cumulative_min": value.cum_min,
            "moving_average": lambda: value.rolling_mean(row.rows, min_samples=1),
        }
        ordered = table[row.function]()
        made = ordered.over(*by, order_by=order) if by else ordered.over(order_by=order)
        return made.cast(nw.Int64) if row.function in {"row_number", "cumulative_count"} else made
