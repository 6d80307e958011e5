"""Nodes with several inputs: join, union, SQL."""

from __future__ import annotations

from typing import Any

import msgspec
from headrace.sdk import ConfigError, Node, NodeContext
from headrace.sdk.frames import Frame, Frames, columns, dtype, follow_all, many, nw, require
from headrace.sdk.types import DataType

from headrace_node_transform.configs import JoinConfig, SqlConfig, UnionConfig

_NUMBERS = {DataType.INTEGER, DataType.FLOAT, DataType.DECIMAL}


class Join(Node[JoinConfig]):
    """Bring two inputs together by keys."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the left columns, then those of the right that are not keys."""
        name = (type(self), type(ctx.engine), msgspec.msgpack.encode(self.config))
        return {"out": follow_all((inputs["left"], inputs["right"]), ctx.engine.empty, self._joined, name=name)}

    def _joined(self, left: Frame, right: Frame) -> Frame:
        config = self.config
        on_left, on_right = [key.left for key in config.keys], [key.right for key in config.keys]
        require(left, on_left, "keys")
        require(right, on_right, "keys")
        self._types(left, right)
        if config.how == "cross":
            return left.join(right, how="cross", suffix=config.suffix)
        if config.how == "asof":
            return self._asof(left, right)
        if not config.keys:
            raise ConfigError(
                "'keys': a join needs at least one pair of columns; add one, or use the kind 'cross'", field="keys"
            )
        if config.how in {"right", "full"}:
            return self._outer(left, right)
        how = config.how
        return left.join(right, how=how, left_on=on_left, right_on=on_right, suffix=config.suffix)  # type: ignore[arg-type]

    def _types(self, left: Frame, right: Frame) -> None:
        mine, theirs = {c.name: c for c in columns(left)}, {c.name: c for c in columns(right)}
        for key in self.config.keys:
            a, b = mine[key.left].type, theirs[key.right].type
            if a != b and not {a, b} <= _NUMBERS:
                raise ConfigError(
                    f"'keys': '{key.left}' is {a} and '{key.right}' is {b}; cast one of them before the join",
                    field="keys",
                    column=key.left,
                )

    def _outer(self, left: Frame, right: Frame) -> Frame:
        """Right and full joins with one key column each, filled from both sides, under the left name."""
        config = self.config
        held = {key.right: f"_key_{index}_{key.right}" for index, key in enumerate(config.keys)}
        if config.how == "right":
            flipped = right.join(
                left.with_columns(nw.col(k.left).alias(held[k.right]) for k in config.keys),
                how="left",
                left_on=[k.right for k in config.keys],
                right_on=[held[k.right] for k in config.keys],
                suffix="_left_side",
            )
            return self._tidy(flipped, left, right)
        renamed = right.rename(self._right_names(left, right, held))
        joined = left.join(
            renamed, how="full", left_on=[k.left for k in config.keys], right_on=list(held.values()), suffix="_unused"
        )
        merged = joined.with_columns(
            nw.coalesce(nw.col(k.left), nw.col(held[k.right])).alias(k.left) for k in config.keys
        )
        return merged.drop(list(held.values()))

    def _right_names(self, left: Frame, right: Frame, held: dict[str, str]) -> dict[str, str]:
        taken, names = set(left.collect_schema().names()), {}
        for name in right.collect_schema().names():
            names[name] = held.get(name, name + self.config.suffix if name in taken else name)
        return names

    def _tidy(self, flipped: Frame, left: Frame, right: Frame) -> Frame:
        keys = {key.left: key.right for key in self.config.keys}
        theirs = right.collect_schema().names()
        made = [nw.col(keys[n]).alias(n) if n in keys else nw.col(n + "_left_side" if n in theirs else n).alias(n)
                for n in left.collect_schema().names()]  # fmt: skip
        names = self._right_names(left, right, {key.right: key.right for key in self.config.keys})
        made += [nw.col(n).alias(names[n]) for n in theirs if n not in keys.values()]
        return flipped.select(made)

    def _asof(self, left: Frame, right: Frame) -> Frame:
        config = self.config
        if config.asof is None:
            raise ConfigError("'asof': an as-of join needs the two ordered columns; name them", field="asof")
        require(left, [config.asof.left], "asof.left")
        require(right, [config.asof.right], "asof.right")
        return left.sort(config.asof.left).join_asof(
            right.sort(config.asof.right), left_on=config.asof.left, right_on=config.asof.right,
            by_left=[k.left for k in config.keys] or None, by_right=[k.right for k in config.keys] or None,
            strategy=config.strategy, suffix=config.suffix,
        )  # fmt: skip


class Union(Node[UnionConfig]):
    """Put inputs under each other, by column name."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out` with the columns of all inputs, in the order in which they first appear."""
        frames = many(inputs, "in")
        shapes = {source: {c.name: c for c in columns(frame)} for source, frame in frames.items()}
        first = next(iter(shapes))
        types: dict[str, Any] = {}
        logical: dict[str, DataType] = {}
        for source, shape in shapes.items():
            if self.config.mode == "strict" and set(shape) != set(shapes[first]):
                odd = ", ".join(sorted(set(shape) ^ set(shapes[first])))
                raise ConfigError(
                    f"'mode': the columns of '{source}' and '{first}' differ in {odd}; select the same or choose"
                    " relaxed",
                    field="mode",
                )
            for name, column in shape.items():
                if name not in types:
                    types[name], logical[name] = dtype(column), column.type
                    continue
                kinds = {logical[name], column.type}
                if kinds <= _NUMBERS and (types[name] != dtype(column)):
                    types[name] = (
                        nw.Float64()
                        if DataType.FLOAT in kinds
                        else nw.Int64()
                        if kinds == {DataType.INTEGER}
                        else types[name]
                    )
                    logical[name] = DataType.FLOAT if DataType.FLOAT in kinds else logical[name]
                elif types[name] != dtype(column):
                    raise ConfigError(
                        f"column '{name}' is {logical[name]} in one input and {column.type} in '{source}'; cast one of"
                        " them",
                        column=name,
                    )
        made = []
        for source, frame in frames.items():
            have = shapes[source]
            made.append(
                frame.select(
                    [(nw.col(n) if n in have else nw.lit(None)).cast(kind).alias(n) for n, kind in types.items()]
                )
            )
        return {"out": nw.concat(made, how="vertical")}


class Sql(Node[SqlConfig]):
    """One SELECT over the inputs, through the engine and its policy."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the statement's result."""
        tables = many(inputs, "in")
        if len(tables) == 1:
            tables = {**tables, "input": next(iter(tables.values()))}
        return {"out": ctx.engine.sql(self.config.query, tables)}
