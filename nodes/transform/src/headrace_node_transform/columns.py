"""Nodes that change columns: select, rename, cast, derive, fill nulls."""

from __future__ import annotations

from headrace.sdk import Column, ConfigError, DataType, Node, NodeContext
from headrace.sdk.expression_types import cast as cast_expr
from headrace.sdk.expression_values import Value
from headrace.sdk.expressions import named, typed
from headrace.sdk.frames import Frame, Frames, columns, nw, require, try_cast
from headrace.sdk.frames import names as names_of
from headrace.sdk.narrowing import Kept

from headrace_node_transform.configs import (
    CastConfig,
    CastRow,
    DeriveConfig,
    FillConfig,
    RenameConfig,
    SelectConfig,
)
from headrace_node_transform.single import Single


class Select(Single[SelectConfig]):
    """Keep or drop columns."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns chosen, in the order given."""
        names = self.config.columns
        require(frame, names, "columns")
        if len(set(names)) < len(names):
            raise ConfigError("'columns': a column is named twice; name each once", field="columns")
        if self.config.mode == "keep":
            return frame.select(names)
        if len(names) == len(names_of(frame)):
            raise ConfigError("'columns': every column is dropped; keep at least one", field="columns")
        return frame.drop(names)

    def keeps(self) -> Kept | None:
        """The columns chosen; of those that are left out the others must be known."""
        return Kept(columns=tuple(self.config.columns)) if self.config.mode == "keep" else None


class Rename(Single[RenameConfig]):
    """Give columns new names."""

    def step(self, frame: Frame) -> Frame:
        """The result: the same columns under new names."""
        names = {row.old: row.new for row in self.config.columns}
        require(frame, names, "columns")
        after = [names.get(name, name) for name in names_of(frame)]
        twice = next((name for name in after if after.count(name) > 1), None)
        if twice is not None:
            raise ConfigError(
                f"'columns': two columns would be called '{twice}'; choose another name", field="columns", column=twice
            )
        return frame.rename(names)


def _wanted(row: CastRow) -> Column:
    kind = DataType(row.type)
    if kind is DataType.DECIMAL:
        return Column(row.column, kind, precision=row.precision, scale=row.scale)
    return Column(row.column, kind, zone=row.zone if kind is DataType.TIMESTAMP else "")


class Cast(Node[CastConfig]):
    """Change types; values that do not fit stop the execution, become null, or leave by the error port."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out` with new types; with `reject` also `error`: the rows as they came, with `_reason`."""
        frame, rows = inputs["in"], self.config.columns
        require(frame, [row.column for row in rows], "columns")
        known = {column.name: column for column in columns(frame)}
        if self.config.on_failure == "error":
            made = [
                cast_expr(
                    Value(nw.col(r.column), known[r.column].type, column=known[r.column]), DataType(r.type), _wanted(r)
                ).alias(r.column)
                for r in rows
            ]
            return {"out": frame.with_columns(made)}
        if self.config.on_failure == "null":
            return {"out": try_cast(frame, [(r.column, r.column, _wanted(r)) for r in rows])}
        return self._reject(frame, rows)

    def _reject(self, frame: Frame, rows: list[CastRow]) -> Frames:
        names = names_of(frame)
        new = {row.column: f"_cast_{index}_{row.column}" for index, row in enumerate(rows)}
        both = try_cast(frame, [(new[row.column], row.column, _wanted(row)) for row in rows])
        bad = {row: nw.col(new[row.column]).is_null() & ~nw.col(row.column).is_null() for row in map(_Key, rows)}
        any_bad = nw.any_horizontal(*bad.values(), ignore_nulls=True)
        reason = nw.concat_str(
            [
                nw.when(test).then(nw.lit(f"'{row.column}' is not {row.type}; ")).otherwise(nw.lit(""))
                for row, test in bad.items()
            ]
        ).str.strip_chars("; ")
        good = (
            both.filter(~any_bad).with_columns(nw.col(new[row.column]).alias(row.column) for row in rows).select(names)
        )
        return {
            "out": good,
            "error": both.filter(any_bad).with_columns(reason.alias("_reason")).select([*names, "_reason"]),
        }


class _Key:
    """A row of the config that can be a dictionary key."""

    def __init__(self, row: CastRow) -> None:
        self.column, self.type = row.column, row.type


class Derive(Single[DeriveConfig]):
    """Calculate columns."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in` and the calculated ones."""
        known = columns(frame)
        made = []
        for index, row in enumerate(self.config.columns):
            try:
                expr, kind = typed(row.expression, known)
            except ConfigError as error:
                raise named(error, f"columns[{index}].expression") from None
            made.append((expr.cast(nw.String) if kind is None and _is_null(row.expression) else expr).alias(row.name))
        if len({row.name for row in self.config.columns}) < len(made):
            raise ConfigError("'columns': a column is calculated twice; give each its own name", field="columns")
        return frame.with_columns(made)


def _is_null(text: str) -> bool:
    return text.strip().lower() == "null"


class FillNulls(Single[FillConfig]):
    """Put something in place of nulls."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in`."""
        config = self.config
        require(frame, config.columns, "columns")
        require(frame, config.order_by, "order_by")
        known = {column.name: column for column in columns(frame)}
        numbers = {DataType.INTEGER, DataType.FLOAT, DataType.DECIMAL}
        chosen = config.columns or [
            n for n, c in known.items() if config.method not in {"mean", "zero"} or c.type in numbers
        ]
        if not chosen:
            return frame
        return frame.with_columns([self._filled(known[name]).alias(name) for name in chosen])

    def _filled(self, column: Column) -> nw.Expr:
        config, value = self.config, nw.col(column.name)
        if config.method in {"forward", "backward"}:
            if not config.order_by:
                raise ConfigError(
                    f"'order_by': filling {config.method} needs an order; name a column", field="order_by"
                )
            return value.fill_null(strategy=config.method).over(order_by=config.order_by)
        if config.method in {"mean", "zero"} and column.type not in {
            DataType.INTEGER,
            DataType.FLOAT,
            DataType.DECIMAL,
        }:
            raise ConfigError(
                f"'columns': '{column.name}' is {column.type}, {config.method} needs a number",
                field="columns",
                column=column.name,
            )
        if config.method == "zero":
            return nw.coalesce(value, nw.lit(0))
        if config.method in {"mean", "min", "max"}:
            return nw.coalesce(value, getattr(value, config.method)())
        try:
            expr, _ = typed(f"coalesce({_quoted(column.name)}, {config.value})", [column])
        except ConfigError:
            if not config.columns:
                return value
            raise ConfigError(
                f"'value': {config.value} does not fit '{column.name}', which is {column.type}",
                field="value",
                column=column.name,
            ) from None
        return expr


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
