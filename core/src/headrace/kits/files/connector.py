"""FilesConnector: the contract over the files of a filesystem. A connector brings its filesystem, and no more."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.kits.batches import in_batches
from headrace.kits.files import listing
from headrace.kits.files.errors import translated
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.kits.files.paths import known_format
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Connector, FileFacts, Rejector, Stream, WriteMode, WriteResult
from headrace.sdk.errors import TransientError

if TYPE_CHECKING:
    import polars as pl
    from fsspec import AbstractFileSystem

VERSION = "_version"
ValueT = TypeVar("ValueT")


class FilesConnector(Connector[ConfigT]):
    """Files below one root. A stream is a path, a folder or a glob relative to it."""

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._opened: AbstractFileSystem | None = None

    @abstractmethod
    def filesystem(self) -> AbstractFileSystem:
        """An open filesystem whose connections pass the egress door."""

    @abstractmethod
    def root(self) -> str:
        """The connection's folder or bucket, as the filesystem names it."""

    @property
    def broken(self) -> tuple[type[Exception], ...]:
        """What the driver raises, besides the usual, when a link has broken."""
        return ()

    @property
    def fs(self) -> AbstractFileSystem:
        """The filesystem, opened at first use."""
        if self._opened is None:
            self._opened = self.filesystem()
        return self._opened

    def scratch(self) -> Path:
        """A private folder, removed by `close`."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="headrace-files-")
        return Path(self._scratch.name)

    def _linked(self, call: Callable[[], ValueT]) -> ValueT:
        """Do something that may be repeated; over a new link where the one that was open has broken."""
        was_open = self._opened is not None
        try:
            with translated(self.broken):
                return call()
        except TransientError:
            self._hang_up()
            if not was_open:
                raise
        with translated(self.broken):
            return call()

    def check(self) -> None:
        """The root is there and can be listed."""
        self._linked(lambda: getattr(self.fs, "probe", self.fs.ls)(self.root()))

    def discover(self) -> Sequence[Stream]:
        """Files with a known suffix, by path; the first 500."""
        entries = self._linked(lambda: list(listing.below(self.fs, self.root(), "")))
        names = sorted(entry.name for entry in entries if known_format(entry.name))
        return [self.stream(name) for name in names[: listing.LISTED_MAX]]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """Columns of the files, from a look at them."""
        from headrace.sdk.frames import from_polars

        frame = self._frame(name, options or ReadOptions(), lambda _: None, look=True)  # reading tells of rows
        cursors = (VERSION,) if options is not None and options.facts else ()
        return Stream(name=name, columns=from_polars(frame.collect_schema()), cursors=cursors)

    def _frame(
        self, name: str, options: ReadOptions, reject: Rejector | None, *, look: bool = False, after: object = None
    ) -> pl.LazyFrame:
        return self._linked(lambda: self._union(name, options, reject, look=look, after=after))

    def _union(
        self, name: str, options: ReadOptions, reject: Rejector | None, *, look: bool, after: object
    ) -> pl.LazyFrame:
        from headrace.kits.files.reading import Reading

        entries = listing.matching(self.fs, self.root(), name)
        if options.facts:
            entries = sorted(entries, key=lambda entry: entry.version)
        newer = [entry for entry in entries if after is None or entry.version > str(after)]
        reading = Reading(self.fs, options, self.scratch())
        return reading.union(newer, reject, look=look) if newer else reading.union(entries[:1], None, look=True).clear()

    def files(self, pattern: str) -> Iterator[FileFacts]:
        """Size and time of each file that a path or glob matches."""
        for entry in self._linked(lambda: list(listing.listed(self.fs, self.root(), pattern))):
            yield FileFacts(path=entry.name, size_bytes=entry.size, modified_at=entry.modified_at)

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> pl.LazyFrame:
        """Lazy rows; filters and columns reach the reader. What is fetched or unpacked stays until `close`."""
        return self._frame(stream.name, options or ReadOptions(), reject)

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows in batches, in the file's order; with `after` those of files with a later `_version`."""
        frame = self._frame(stream.name, options or ReadOptions(), reject, after=after)
        yield from in_batches(frame.select(list(columns)) if columns else frame, batch_rows)

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write aside, then show each file at once. An append to one file keeps what there is, in front."""
        from headrace.kits.files.writing import Writing

        try:
            with translated(self.broken):
                writing = Writing(self.fs, self.root(), name, options or WriteOptions(), self.scratch())
                return writing.write(frames, mode, effect_key)
        except TransientError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        """Drop the link; it may be broken already."""
        opened, self._opened = self._opened, None
        with suppress(Exception):
            getattr(opened, "close", lambda: None)()

    def close(self) -> None:
        """Hang up, and remove the scratch folder."""
        self._hang_up()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
