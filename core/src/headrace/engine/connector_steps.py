"""Work of the node types that connectors get from their manifests: read, query, write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.sdk.connectors import Connector, Stream
from headrace.sdk.errors import ConfigError, PluginError
from headrace.sdk.frames import columns as columns_of
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.nodes import Node, NodeContext
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

    from headrace.sdk.nodes import Frames

RESULT = (
    Column("target", DataType.TEXT),
    Column("mode", DataType.TEXT),
    Column("written", DataType.INTEGER, bits=64),
    Column("updated", DataType.INTEGER, bits=64),
    Column("rejected", DataType.INTEGER, bits=64),
)
"""Columns of a write's `result` port."""


class ReadStep(Node[Any]):
    """Rows of a stream: lazily where the connector scans, else in batches."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out` with the chosen columns."""
        config = self.config
        connector = ctx.connector(config.connection)
        options = getattr(config, "options", None)
        reject = ctx.reject if ctx.rejects_connected else None
        if type(connector).hold is not Connector.hold:
            connector = ctx.held(config.connection)
            connector.hold(config.limit)
        stream = connector.stream(config.stream, options=options)
        columns = config.columns or [column.name for column in stream.columns]
        kept = [stream.column(name) for name in columns]
        after = getattr(config, "after", None)
        stream = _by(stream, getattr(config, "cursor", "")) if after is not None else stream
        if type(connector).scan is not Connector.scan and after is None:
            frame = ctx.engine.adopt(connector.scan(stream, options=options, reject=reject, scratch=ctx.scratch))
            frame = frame.select(*columns) if config.columns else frame
            return {"out": frame.head(config.limit) if config.limit else frame}
        if type(connector).narrowed is not Connector.narrowed and after is None and not config.limit:
            needed = _of(ctx.narrowing(stream), columns)
            rows = connector.narrowed(stream, needed)
            kept = [stream.column(name) for name in needed.columns]
        else:
            rows = connector.read(stream, columns=columns, after=after, options=options, reject=reject)
        frames = _counted(ctx, _limited(rows, config.limit))
        first = next(frames, None)
        if first is None:
            return {"out": ctx.engine.empty(kept)}
        return {"out": ctx.engine.load(_chain(first, frames), ctx.scratch)}


class QueryStep(Node[Any]):
    """Rows of one SELECT under the SQL policy."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out` with the columns of the statement."""
        frames = _counted(ctx, ctx.connector(self.config.connection).query(self.config.sql, self.config.parameters))
        first = next(frames, None)
        if first is None:
            return {"out": ctx.engine.empty(())}
        return {"out": ctx.engine.load(_chain(first, frames), ctx.scratch)}


class WriteStep(Node[Any]):
    """Write the rows that come in, all or none."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `result`: one row of counts.

        Raises:
            ConfigError: columns of the target would be lost, and nobody has confirmed that.
            PluginError: the connector's counts do not add up to the rows it was given.
        """
        config = self.config
        connector = ctx.connector(config.connection)
        if config.mode == "overwrite" and not getattr(config, "confirm_destructive", True):
            _ask_before(connector, config, columns_of(inputs["in"]))
        passed = 0

        def rows() -> Iterator[pl.DataFrame]:
            nonlocal passed
            for frame in ctx.engine.batches(inputs["in"]):
                passed += frame.height
                ctx.progress(passed)
                yield frame

        done = connector.write(
            config.stream, rows(), mode=config.mode, keys=tuple(getattr(config, "keys", ())),
            effect_key=ctx.effect_key, options=getattr(config, "options", None),
            reject=ctx.reject if ctx.rejects_connected else None,
        )  # fmt: skip
        if passed and passed != done.written + done.rejected:
            raise PluginError(
                f"'{config.stream}' was given {passed} rows but reports {done.written} written and {done.rejected} "
                "rejected; report this to the connector's publisher"
            )
        ctx.wrote(done, connection=config.connection, target=config.stream)
        row = (config.stream, config.mode, done.written, done.updated, done.rejected)
        return {"result": ctx.engine.table(RESULT, [row], ctx.scratch)}


def _ask_before(connector: Connector[Any], config: Any, given: Sequence[Column]) -> None:
    """Refuse an overwrite that would lose more than the rows, which is what its mode says already.

    Raises:
        ConfigError: with a sentence for each column that would be lost.
    """
    planned = connector.plan(config.stream, given, mode=config.mode, options=getattr(config, "options", None))
    lost = [change for change in planned if change.loses and change.kind in {"drop", "narrow"}]
    if lost:
        raise ConfigError(
            f"{'; '.join(change.text for change in lost)}; nothing was written; confirm this in the step, or give the "
            "rows all columns of the table",
            field="confirm_destructive", column=lost[0].column,
        )  # fmt: skip


def _of(needed: Narrowing, columns: Sequence[str]) -> Narrowing:
    """A narrowing to some of these columns, in their order."""
    chosen = [name for name in columns if name in needed.columns] if needed.columns else columns
    return msgspec.structs.replace(needed, columns=tuple(chosen))


def _by(stream: Stream, cursor: str) -> Stream:
    """The stream with the chosen column as its cursor."""
    if not cursor:
        return stream
    if cursor not in stream.cursors:
        offered = ", ".join(stream.cursors) or "none"
        raise ConfigError(f"'{cursor}' cannot be the cursor of '{stream.name}'; it has {offered}", field="cursor")
    return msgspec.structs.replace(stream, cursors=(cursor,))


def _limited(frames: Iterator[pl.DataFrame], limit: int) -> Iterator[pl.DataFrame]:
    left = limit
    for frame in frames:
        if limit and frame.height >= left:
            yield frame.head(left)
            return
        left -= frame.height
        yield frame


def _counted(ctx: NodeContext, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    rows = 0
    for frame in frames:
        rows += frame.height
        ctx.progress(rows)
        yield frame


def _chain(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield first
    yield from rest
