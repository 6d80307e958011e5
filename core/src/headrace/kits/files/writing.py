"""Frames into files: written aside on this machine, then shown at once; rolled and partitioned by deterministic names.

A file is one object or one rename. Several files are shown one after the other: a repeat with the same key shows the
same names, and takes away what a broken one has left.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
from fsspec import AbstractFileSystem

from headrace.kits.files import listing
from headrace.kits.files.listing import HIVE_NULL
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.kits.files.paths import clean, format_of
from headrace.kits.files.reading import Reading
from headrace.kits.files.writers import Writer, writer
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.errors import ConfigError, DataError

OPEN_MAX = 1_000


class Writing:
    """One write to one name below the root."""

    def __init__(
        self, fs: AbstractFileSystem, root: str, name: str, options: WriteOptions, scratch: Path
    ) -> None:  # fmt: skip
        self._fs, self._root, self._name = fs, root, clean(name)
        self._options, self._scratch = options, scratch
        self._kind = format_of(self._name, options.format)
        self._many = bool(options.roll_mib or options.partition_by)

    def write(self, frames: Iterator[pl.DataFrame], mode: WriteMode, effect_key: str) -> WriteResult:
        """Write all frames or none.

        Raises:
            DataError: a file cannot hold the rows.
        """
        if mode not in {"append", "overwrite"}:
            raise ConfigError(f"files cannot be written by '{mode}'; choose append or overwrite", field="mode")
        return self._files(frames, mode, effect_key) if self._many else self._file(frames, mode, effect_key)

    def _file(self, frames: Iterator[pl.DataFrame], mode: WriteMode, effect_key: str) -> WriteResult:
        effects = _Effects(self._fs, self._at(self._name))
        done = effects.done(effect_key)
        if done is not None:
            return WriteResult(done)
        part = self._scratch / f"{secrets.token_hex(8)}.part"
        out = writer(part, self._name, self._kind, self._options)
        rows, same = 0, ""
        try:
            if mode == "append" and self._fs.exists(self._at(self._name)):
                entries = listing.matching(self._fs, self._root, self._name)
                same = entries[0].etag
                for frame in self._present(entries):
                    out.write(frame)
            for frame in frames:
                out.write(frame)
                rows += frame.height
            out.close()
            effects.begin(effect_key, rows, part)
            show(self._fs, part, self._at(self._name), same)
        finally:
            part.unlink(missing_ok=True)
        return WriteResult(rows)

    def _present(self, entries: Sequence[listing.Entry]) -> Iterator[pl.DataFrame]:
        options = ReadOptions(format=self._kind, delimiter=self._options.delimiter)  # type: ignore[arg-type]
        yield from Reading(self._fs, options, self._scratch).union(entries, None).collect_batches(maintain_order=True)

    def _files(self, frames: Iterator[pl.DataFrame], mode: WriteMode, effect_key: str) -> WriteResult:
        key = hashlib.sha256((effect_key or secrets.token_hex(8)).encode()).hexdigest()[:8]
        parts = _Parts(self, key)
        try:
            rows = sum(parts.write(frame) for frame in frames)
            made = parts.finished()
            for name, path in made.items():
                show(self._fs, path, self._at(name))
        finally:
            parts.remove()
        stem, _ = self._stem()
        start = stem if mode == "overwrite" else f"{stem}-{key}"
        for entry in list(listing.below(self._fs, self._root, self._name.rpartition("/")[0])):
            mine = entry.name.rpartition("/")[2].startswith(f"{start.rpartition('/')[2]}-")
            if mine and entry.name not in made:
                self._fs.rm_file(entry.path)
        return WriteResult(rows)

    def _stem(self) -> tuple[str, str]:
        """The name up to its suffixes, and those."""
        folder, slash, last = self._name.rpartition("/")
        stem, dot, suffixes = last.partition(".")
        return f"{folder}{slash}{stem}", f"{dot}{suffixes}"

    def part_name(self, partition: str, key: str, number: int) -> str:
        """The name of a file of several; the same for the same key and rows."""
        stem, suffixes = self._stem()
        folder, slash, last = stem.rpartition("/")
        return f"{folder}{slash}{partition}{last}-{key}-{number:05}{suffixes}"

    def begun(self, name: str) -> Writer:
        """A writer of one of several files."""
        return writer(self._scratch / f"{secrets.token_hex(8)}.part", name, self._kind, self._options)

    @property
    def options(self) -> WriteOptions:
        """What the user said."""
        return self._options

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def show(fs: AbstractFileSystem, part: Path, path: str, same: str = "") -> None:
    """Make a finished file visible at once: as one object, else under another name first.

    Args:
        fs: Where to.
        part: On this machine.
        path: As the filesystem names it.
        same: Etag of the file that this one was made of; a filesystem that can compare replaces no other.
    """
    folder, _, last = path.rpartition("/")
    if getattr(fs, "objects", False):
        fs.put_file(str(part), path, **({"same": same} if same and getattr(fs, "guarded", False) else {}))
        return
    fs.makedirs(folder, exist_ok=True)
    hidden = f"{folder}/.{last}.{secrets.token_hex(4)}.part"
    try:
        fs.put_file(str(part), hidden)
        fs.mv(hidden, path)
    except BaseException:
        if fs.exists(hidden):
            fs.rm_file(hidden)
        raise


class _Parts:
    """The files of one write: by partition, begun anew at a size."""

    def __init__(self, writing: Writing, key: str) -> None:
        self._writing, self._key = writing, key
        self._open: dict[str, Writer] = {}
        self._numbers: dict[str, int] = {}
        self._made: dict[str, Path] = {}

    def write(self, frame: pl.DataFrame) -> int:
        """Add a frame; its rows."""
        keys = self._writing.options.partition_by
        if not keys:
            self._to("", frame)
            return frame.height
        for values, rows in frame.partition_by(keys, as_dict=True, include_key=False).items():
            self._to("".join(f"{_folder(k)}={_folder(v)}/" for k, v in zip(keys, values, strict=True)), rows)
        return frame.height

    def _to(self, partition: str, frame: pl.DataFrame) -> None:
        out = self._open.get(partition)
        if out is None:
            if len(self._open) >= OPEN_MAX:
                raise DataError(f"'{'/'.join(self._writing.options.partition_by)}' makes more than {OPEN_MAX} folders; "
                                "partition by fewer values", field="options.partition_by")  # fmt: skip
            number = self._numbers.get(partition, 0)
            self._numbers[partition] = number + 1
            name = self._writing.part_name(partition, self._key, number)
            out = self._open[partition] = self._writing.begun(name)
            self._made[name] = out.path
        out.write(frame)
        roll = self._writing.options.roll_mib * 2**20
        if roll and out.path.exists() and out.path.stat().st_size >= roll:
            self._open.pop(partition).close()

    def finished(self) -> dict[str, Path]:
        """Files by the name that they will have, in the order in which they were begun."""
        for out in self._open.values():
            out.close()
        return {name: path for name, path in self._made.items() if path.exists()}

    def remove(self) -> None:
        """Take away what was written aside."""
        for path in self._made.values():
            path.unlink(missing_ok=True)


def _folder(value: Any) -> str:
    return HIVE_NULL if value is None else quote(str(value), safe=" -_.:+,()")


class _Effects:
    """Which effect made the file: a note beside it, written before the file is shown, true if the size agrees."""

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        folder, _, last = path.rpartition("/")
        self._fs, self._path, self._note = fs, path, f"{folder}/.{last}.effect"

    def done(self, key: str) -> int | None:
        """Rows of the effect, if it is the one that made the file."""
        if not key or not (self._fs.exists(self._note) and self._fs.exists(self._path)):
            return None
        note = json.loads(self._fs.cat_file(self._note))
        same = note["key"] == key and note["bytes"] == self._fs.info(self._path)["size"]
        return int(note["rows"]) if same else None

    def begin(self, key: str, rows: int, part: Path) -> None:
        """Note the effect that is about to be shown."""
        if key:
            fresh = part.with_suffix(".note")
            fresh.write_text(json.dumps({"key": key, "rows": rows, "bytes": part.stat().st_size}), encoding="utf-8")
            show(self._fs, fresh, self._note)
            fresh.unlink()
