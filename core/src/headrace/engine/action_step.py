"""Work of the node types that connectors get from their declared actions: a call for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec

from headrace.sdk.config import Config, Secret, parse_config
from headrace.sdk.connectors import Connector, Reject, WriteResult
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.manifests import Action, Effect
from headrace.sdk.nodes import Node, NodeContext
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

    from headrace.sdk.nodes import Frames

_TYPES: dict[Any, dict[str, Any]] = {
    bool: {"type": DataType.BOOLEAN}, int: {"type": DataType.INTEGER, "bits": 64},
    float: {"type": DataType.FLOAT, "bits": 64}, str: {"type": DataType.TEXT},
}  # fmt: skip
_DATA_MAX = 10_000


class ActionStep(Node[Any]):
    """Calls the action once for each row, in order; without rows, once.

    A row's number is part of its call's key, so that a repeat of the step finds the effects that there are already,
    where the other side knows keys.
    """

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the rows whose call went well, and what was answered.

        Raises:
            DataError: a call is refused because of its row, and the error port is not connected.
        """
        config = self.config
        action: Action = type(config).action
        connector = ctx.connector(config.connection)
        fixed = _given(config.values)
        if "in" not in inputs:
            answer = connector.act(action.id, parse_config(action.input, fixed), key=ctx.effect_key)
            self._report(ctx, action, 1)
            made = answer_columns(action, ())
            return {"out": ctx.engine.table(made, [_row(answer, made)], ctx.scratch) if made else ctx.engine.empty(())}
        columns = ctx.engine.columns(inputs["in"])
        frames = self._frames(ctx, connector, action, ctx.engine.batches(inputs["in"]), columns, fixed)
        return {"out": ctx.engine.load(frames, ctx.scratch)}

    def _frames(
        self, ctx: NodeContext, connector: Connector[Any], action: Action, batches: Iterator[pl.DataFrame],
        columns: tuple[Column, ...], fixed: dict[str, Any],
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        import polars as pl

        from headrace.sdk.frames import polars_schema

        sources = self._sources(action, {column.name for column in columns})
        made = answer_columns(action, columns)
        nested = {name for name, hint in get_type_hints(action.input).items() if hint is Any}
        number = done = 0
        for batch in batches:
            kept: list[int] = []
            answers: list[tuple[Any, ...]] = []
            for at, row in enumerate(batch.iter_rows(named=True)):
                number += 1
                own = {name: _plain(row[column]) for name, column in sources.items() if row[column] is not None}
                own |= {name: _nested(own[name]) for name in nested & own.keys()}
                try:
                    answer = connector.act(
                        action.id, _parsed(action, fixed | own, number), key=f"{ctx.effect_key}:{number}"
                    )
                except DataError as error:
                    _refuse(ctx, number, error, row)
                    continue
                kept.append(at)
                answers.append(_row(answer, made))
                ctx.progress(done := done + 1)
            done_rows = batch[kept]
            told = pl.DataFrame(answers, schema=polars_schema(made), orient="row") if made else None
            yield done_rows if told is None else done_rows.hstack(told)
        self._report(ctx, action, done)

    def _sources(self, action: Action, there: set[str]) -> dict[str, str]:
        """Column by input."""
        known = set(action.input.__struct_fields__)
        for name, column in self.config.columns.items():
            if name not in known:
                raise ConfigError(f"'{action.title}' has no input '{name}'; it has {', '.join(sorted(known))}",
                                  field="columns")  # fmt: skip
            if column not in there:
                raise ConfigError(f"the rows have no column '{column}'; they have {', '.join(sorted(there))}",
                                  field="columns", column=column)  # fmt: skip
        return {name: name for name in known & there} | dict(self.config.columns)

    def _report(self, ctx: NodeContext, action: Action, done: int) -> None:
        if action.effect not in {Effect.NONE, Effect.READ}:
            ctx.wrote(WriteResult(done), connection=self.config.connection, target=action.id)


def answer_columns(action: Action, before: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of the answer, beside those of the rows; a name that is taken gets `_answer`."""
    taken = {column.name for column in before}
    if action.output is None:
        return ()
    return tuple(
        Column(name=f"{name}_answer" if name in taken else name, **_TYPES.get(_bare(hint), {"type": DataType.JSON}))
        for name, hint in get_type_hints(action.output).items()
    )


def _bare(hint: Any) -> Any:
    """A type without its None."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if len(parts) == 1 and len(get_args(hint)) == 2 else hint


def _row(answer: Any, columns: tuple[Column, ...]) -> tuple[Any, ...]:
    if answer is None:
        return ()
    values = msgspec.structs.astuple(answer)
    return tuple(
        msgspec.json.encode(value).decode() if column.type is DataType.JSON and value is not None else value
        for value, column in zip(values, columns, strict=True)
    )


def _given(values: Config) -> dict[str, Any]:
    found = {name: getattr(values, name) for name in values.__struct_fields__}
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in found.items() if value is not None
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """A cell as an input takes it: numbers and truths as they are, lists and objects too, the rest as text."""
    if isinstance(value, bool | int | float | str | list | dict):
        return value
    return msgspec.to_builtins(value, builtin_types=()) if not isinstance(value, bytes) else value.hex()


def _nested(value: Any) -> Any:
    """What an input of any value takes: a list or an object that a column holds as JSON text is one again."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with suppress(msgspec.DecodeError, RecursionError):
            return msgspec.json.decode(value)
    return value


def _parsed(action: Action, value: Mapping[str, Any], number: int) -> Config:
    try:
        return parse_config(action.input, dict(value))
    except ConfigError as error:
        raise DataError(f"row {number}: {error.message}", row=number) from None


def _refuse(ctx: NodeContext, number: int, error: DataError, row: Mapping[str, Any]) -> None:
    if not ctx.rejects_connected:
        raise error
    data = msgspec.json.encode({name: _plain(value) for name, value in row.items()}).decode()
    ctx.reject([Reject(number, error.message, str(error.details.get("column", "")), data[:_DATA_MAX])])
