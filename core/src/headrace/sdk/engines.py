"""The engine contract: what lies under the narwhals frames of a segment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import narwhals as nw
    import polars as pl

    from headrace.sdk.types import Column, FrameFacts


class Engine(ABC):
    """Makes, stores and reads frames. Lazy until `sink`, `batches` or `count`."""

    @abstractmethod
    def empty(self, columns: Sequence[Column]) -> nw.LazyFrame[Any]:
        """A frame of no rows with these columns; used to know schemas without executing."""

    @abstractmethod
    def scan(self, paths: Sequence[Path], *, rows: tuple[int, int] | None = None) -> nw.LazyFrame[Any]:
        """Stored frames (Parquet files), one after the other; `rows` = offset and number, of all of them together."""

    @abstractmethod
    def adopt(self, frame: pl.LazyFrame) -> nw.LazyFrame[Any]:
        """A connector's lazy scan as a frame of this engine."""

    @abstractmethod
    def load(self, frames: Iterator[pl.DataFrame], scratch: Path) -> nw.LazyFrame[Any]:
        """A connector's batches as one frame; spilled to `scratch` beyond memory bounds. At least one frame comes."""

    def table(self, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], scratch: Path) -> nw.LazyFrame[Any]:
        """A small frame from Python rows."""
        import polars as pl

        from headrace.sdk.frames import polars_schema

        return self.load(iter([pl.DataFrame(list(rows), schema=polars_schema(columns), orient="row")]), scratch)

    @abstractmethod
    def sink(self, frames: Mapping[Path, nw.LazyFrame[Any]]) -> Mapping[Path, FrameFacts]:
        """Store frames as Parquet in bounded memory; work they share is done once. Files appear whole or not at all."""

    @abstractmethod
    def batches(self, frame: nw.LazyFrame[Any], *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Rows in bounded memory; the first frame may be empty and gives the schema, order is kept."""

    @abstractmethod
    def count(self, frame: nw.LazyFrame[Any]) -> int:
        """Number of rows."""

    @abstractmethod
    def columns(self, frame: nw.LazyFrame[Any]) -> tuple[Column, ...]:
        """Logical columns without executing."""

    @abstractmethod
    def sql(self, query: str, inputs: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
        """One SELECT over the inputs as tables, under the SQL policy.

        Raises:
            ConfigError: with `line` and `column` where the statement is refused or wrong.
        """
