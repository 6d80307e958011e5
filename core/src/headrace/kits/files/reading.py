"""Files of a filesystem as one lazy frame: fetched where needed, unpacked, joined by column names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from headrace.kits.files import archives, csv_scan, formats
from headrace.kits.files.dialect import as_utf8
from headrace.kits.files.listing import Entry
from headrace.kits.files.options import ReadOptions
from headrace.kits.files.paths import format_of, known_format, packing
from headrace.kits.files.row_files import framed, lazily
from headrace.sdk.connectors import Rejector
from headrace.sdk.errors import ConfigError, DataError

HEAD_BYTES = csv_scan.SAMPLE_BYTES


class Reading:
    """Reads files of one filesystem.

    Args:
        fs: The filesystem.
        options: What the user said.
        scratch: Where copies and what is unpacked are kept.
    """

    def __init__(self, fs: AbstractFileSystem, options: ReadOptions, scratch: Path) -> None:
        self._fs = fs
        self._options = options
        self._scratch = scratch

    def union(self, entries: Sequence[Entry], reject: Rejector | None, *, look: bool = False) -> pl.LazyFrame:
        """Rows of all files; a column that one has not is null there.

        Args:
            entries: At least one.
            reject: Takes rows that do not fit.
            look: Only the columns are wanted; rows need not be there.

        Raises:
            ConfigError: the files are of several formats.
            DataError: one cannot be read.
        """
        kinds: set[str] = set()
        frames: list[pl.LazyFrame] = []
        hive = _hive([entry.hive for entry in entries])
        for entry in entries:
            found = self._frames(entry, reject, kinds, look=look)
            frames.extend(self._named(frame, entry, hive) for frame in found)
            if len(kinds) > 1:
                raise ConfigError(
                    f"these files are of several formats ({', '.join(sorted(kinds))}); choose those of one, as in "
                    "`*.csv`",
                    field="stream",
                )
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")

    def _frames(self, entry: Entry, reject: Rejector | None, kinds: set[str], *, look: bool) -> Iterator[pl.LazyFrame]:
        kind = self._options.format or known_format(entry.name)
        plain = not packing(entry.name)
        if plain:
            kinds.add(format_of(entry.name, kind))
            if kind in {"csv", "tsv"} and look and self._options.encoding == "utf-8":
                said = msgspec.structs.replace(self._options, format=kind)
                yield pl.LazyFrame(schema=csv_scan.sniff(self._head(entry), said))
                return
            if kind == "parquet" and getattr(self._fs, "ranged", False) and getattr(self._fs, "pinned", True):
                yield distant_parquet(self._fs, entry)
                return
        for path in archives.unpacked(self._fetched(entry), self._scratch, self._options.member):
            one = format_of(path.name, self._options.format or known_format(path.name) or kind)
            kinds.add(one)
            if look and one in {"csv", "tsv"}:
                said = msgspec.structs.replace(self._options, format=one)
                text = as_utf8(path, said.encoding, self._scratch)
                yield pl.LazyFrame(schema=csv_scan.sniff(text, said))
                continue
            yield from formats.scan([path], one, self._options, reject, self._scratch)

    def _fetched(self, entry: Entry) -> Path:
        """The file on this machine."""
        if isinstance(self._fs, LocalFileSystem):
            return Path(entry.path)
        target = self._place(entry, "whole")
        if not target.exists():
            part = target.with_name(f".{target.name}.part")
            self._fs.get_file(entry.path, str(part))
            part.rename(target)
        return target

    def _head(self, entry: Entry) -> Path:
        """The file, or as much of it as its columns are learned from."""
        whole = self._place(entry, "whole")
        if isinstance(self._fs, LocalFileSystem) or whole.exists() or entry.size <= HEAD_BYTES:
            return self._fetched(entry)
        head = self._place(entry, "head")
        if not head.exists():
            text = self._fs.cat_file(entry.path, start=0, end=HEAD_BYTES)
            if text.count(b"\n") < 2:
                return self._fetched(entry)
            head.write_bytes(text[: text.rindex(b"\n") + 1])
        return head

    def _place(self, entry: Entry, what: str) -> Path:
        name = hashlib.sha256(f"{entry.path}\0{entry.version}\0{entry.size}".encode()).hexdigest()[:24]
        folder = self._scratch / f"{name}-{what}"
        folder.mkdir(exist_ok=True)
        return folder / entry.name.rpartition("/")[2]

    def _named(self, frame: pl.LazyFrame, entry: Entry, hive: dict[str, Any]) -> pl.LazyFrame:
        """The rows with the columns that the names of folders and the options add."""
        more = {}
        if hive:
            have = frame.collect_schema().names()
            found = entry.hive
            more = {name: pl.lit(found.get(name)).cast(kind) for name, kind in hive.items() if name not in have}
        if self._options.facts:
            more |= {"_file": pl.lit(entry.name), "_version": pl.lit(entry.version)}
        return frame.with_columns(**more) if more else frame


def _hive(found: Sequence[dict[str, str | None]]) -> dict[str, Any]:
    """Types of the columns in the names of folders: integer where all values are, else text."""
    values: dict[str, list[str]] = {}
    for one in found:
        for name, value in one.items():
            values.setdefault(name, []).extend([] if value is None else [value])
    return {name: pl.Int64() if texts and all(map(_integer, texts)) else pl.String() for name, texts in values.items()}


def _integer(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) < 19


def distant_parquet(fs: AbstractFileSystem, entry: Entry) -> pl.LazyFrame:
    """Rows of a Parquet file where it is: only the columns asked for are fetched, a row group at a time."""
    import pyarrow.parquet as pq

    def opened() -> Any:
        return fs.open(entry.path, "rb", cache_type="none")

    try:
        with opened() as file:
            schema = pq.read_schema(file)
    except (ValueError, OSError) as error:
        raise DataError(
            f"'{entry.name}' is cut off or no Parquet file; correct the file or choose its format", detail=repr(error),
            field="stream",
        ) from None  # fmt: skip

    def pieces(columns: list[str] | None) -> Iterator[pl.DataFrame]:
        with opened() as file, pq.ParquetFile(file, pre_buffer=True) as parquet:
            for number in range(parquet.num_row_groups):
                frame = framed(parquet.read_row_group(number, columns=columns))
                yield frame if columns is None else frame.select(columns)

    return lazily(framed(schema.empty_table()).schema, pieces)
