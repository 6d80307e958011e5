"""The work of the engine: scan, load with spill, stream to Parquet, read back in order, SQL."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import narwhals as nw
import polars as pl
from headrace.sdk.engines import Engine
from headrace.sdk.errors import ConfigError
from headrace.sdk.frames import columns, polars_schema
from headrace.sdk.sqlpolicy import check_select
from headrace.sdk.types import Column, FrameFacts

from headrace_plugin_engine_polars.errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SPILL_BYTES: Final = 64 * 1024 * 1024
_SQL_FUNCTIONS: Final = ("strftime", "cbrt", "octet_length", "array_length")


class PolarsEngine(Engine):
    """Frames are `pl.LazyFrame` under narwhals."""

    def empty(self, columns: Sequence[Column]) -> nw.LazyFrame[Any]:
        """A frame of no rows with these columns."""
        return nw.from_native(pl.LazyFrame(schema=polars_schema(columns)))

    def scan(self, paths: Sequence[Path], *, rows: tuple[int, int] | None = None) -> nw.LazyFrame[Any]:
        """Stored Parquet files, one after the other; names are taken as they are, without patterns."""
        frame = pl.scan_parquet(list(paths), glob=False)
        return nw.from_native(frame.slice(*rows) if rows else frame)

    def adopt(self, frame: pl.LazyFrame) -> nw.LazyFrame[Any]:
        """A lazy scan as it is."""
        return nw.from_native(frame)

    def load(self, frames: Iterator[pl.DataFrame], scratch: Path) -> nw.LazyFrame[Any]:
        """Batches as one frame; each 64 MiB of them go to a Parquet file in `scratch`."""
        kept: list[pl.DataFrame] = []
        spilled: list[Path] = []
        size = 0
        name = uuid4().hex

        def spill() -> None:
            path = scratch / f"load-{name}-{len(spilled):06d}.parquet"
            pl.concat(kept).write_parquet(path, compression="lz4")
            spilled.append(path)
            kept.clear()

        with translated():
            for frame in frames:
                kept.append(frame)
                size += int(frame.estimated_size())
                if size > SPILL_BYTES:
                    spill()
                    size = 0
            if spilled:
                if kept:
                    spill()
                return self.scan(spilled)
            if not kept:
                raise ConfigError("the source gave no frame at all; it must give at least one, which may be empty")
            return nw.from_native(pl.concat(kept).lazy())

    def sink(self, frames: Mapping[Path, nw.LazyFrame[Any]]) -> Mapping[Path, FrameFacts]:
        """Stream frames to Parquet in one execution; a file has its name only once all are whole."""
        mark = f".{uuid4().hex}.part"
        parts = {path: path.parent / mark / path.name for path in frames}
        try:
            with translated():
                sinks = []
                for path, frame in frames.items():
                    parts[path].parent.mkdir(parents=True, exist_ok=True)
                    sinks.append(_native(frame).sink_parquet(parts[path], lazy=True, maintain_order=True))
                pl.collect_all([sink for sink in sinks if sink is not None], engine="streaming")
                facts = {path: self._facts(parts[path]) for path in frames}
            for path, part in parts.items():
                part.replace(path)
        finally:
            for folder in {part.parent for part in parts.values()}:
                _remove(folder)
        return facts

    def _facts(self, part: Path) -> FrameFacts:
        stored = pl.scan_parquet(part, glob=False)
        rows = stored.select(pl.len()).collect().item()
        return FrameFacts(rows=rows, bytes=part.stat().st_size, columns=self.columns(nw.from_native(stored)))

    def batches(self, frame: nw.LazyFrame[Any], *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Rows in order and in bounded memory; an empty frame gives one empty batch."""
        native = _native(frame)
        with translated():
            schema = native.collect_schema()
            found = False
            for part in native.collect_batches(
                chunk_size=batch_rows, maintain_order=True, lazy=True, engine="streaming"
            ):
                for batch in part.iter_slices(batch_rows):
                    if batch.height:
                        found = True
                        yield batch
            if not found:
                yield pl.DataFrame(schema=schema)

    def count(self, frame: nw.LazyFrame[Any]) -> int:
        """Number of rows."""
        with translated():
            return int(_native(frame).select(pl.len()).collect(engine="streaming").item())

    def columns(self, frame: nw.LazyFrame[Any]) -> tuple[Column, ...]:
        """Logical columns without executing."""
        with translated():
            return columns(frame)

    def sql(self, query: str, inputs: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
        """One SELECT over the inputs. Polars sees the policy's re-rendered text only, never the user's."""
        checked = check_select(
            query, dialect="postgres", relations=set(inputs), functions=_SQL_FUNCTIONS, qualified=False, identify=True
        )
        known = {name: _native(inputs[name]) for name in checked.relations}
        with translated("the SQL"), pl.SQLContext(frames=known, register_globals=False) as context:
            result = context.execute(checked.sql, eager=False)
            result.collect_schema()
        return nw.from_native(result)


def _native(frame: nw.LazyFrame[Any]) -> pl.LazyFrame:
    native: pl.LazyFrame = frame.to_native()
    return native


def _remove(folder: Path) -> None:
    """Remove a folder: Polars may still begin a file after another of its sinks has failed, and cannot without it."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
