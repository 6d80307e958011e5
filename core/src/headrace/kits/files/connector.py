"""FilesConnector: the contract over files below a folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.kits.files import paths
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Connector, FileFacts, Rejector, Stream, WriteMode, WriteResult
from headrace.sdk.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

LISTED_MAX = 500


class FilesConnector(Connector[ConfigT]):
    """Files below one folder. A stream is a path or a glob relative to it."""

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def root(self) -> tuple[Path, bool]:
        """The folder, and whether it may be written."""
        root: str = self.config.root  # type: ignore[attr-defined]
        return paths.resolve_root(root)

    def scratch(self) -> Path:
        """A private folder, removed by `close`."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="headrace-files-")
        return Path(self._scratch.name)

    def check(self) -> None:
        """The folder is there and can be listed."""
        root, _ = self.root()
        next(root.iterdir(), None)

    def discover(self) -> Sequence[Stream]:
        """Files with a known suffix, by path; the first 500."""
        root, _ = self.root()
        found = []
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            suffixes = [s.lower() for s in path.suffixes if s.lower() not in paths.PACKED]
            if path.is_file() and not path.name.startswith(".") and suffixes and suffixes[-1] in paths.SUFFIXES:
                found.append(self.stream(name))
            if len(found) >= LISTED_MAX:
                break
        return sorted(found, key=lambda stream: stream.name)

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """Columns of a file, from a look at it."""
        from headrace.sdk.frames import from_polars

        frame = self._open(name, options or ReadOptions(), None, self.scratch())
        return Stream(name=name, columns=from_polars(frame.collect_schema()))

    def _open(self, name: str, options: ReadOptions, reject: Rejector | None, scratch: Path) -> pl.LazyFrame:
        from headrace.kits.files.formats import scan

        root, _ = self.root()
        files = paths.matching(root, name)
        kind = paths.format_of(files[0].name, options.format)
        if reject is None and kind in {"csv", "tsv"}:
            return self._sniffed(paths.unpacked(files, scratch), kind, options)
        return scan(paths.unpacked(files, scratch), kind, options, reject, scratch)

    def _sniffed(self, files: list[Path], kind: str, options: ReadOptions) -> pl.LazyFrame:
        """Columns of a CSV without reading it whole."""
        import msgspec
        import polars as pl

        from headrace.kits.files.csv_scan import sniff

        said = msgspec.structs.replace(options, format=kind)
        return pl.concat([pl.LazyFrame(schema=sniff(path, said)) for path in files], how="diagonal_relaxed")

    def fingerprint(self, stream: str, *, options: Any = None) -> str:
        """Path, size and times of each file."""
        root, _ = self.root()
        found = ((str(path), path.stat()) for path in paths.matching(root, stream))
        return json.dumps([(path, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in found])

    def files(self, pattern: str) -> Iterator[FileFacts]:
        """Size and time of each file that a path or glob matches."""
        root, _ = self.root()
        paths.watched_folder(root, pattern)
        for path in paths.listed(root, pattern):
            if path.name.startswith("."):
                continue
            with suppress(FileNotFoundError):  # it went between the two looks
                found = path.stat()
                at = datetime.fromtimestamp(found.st_mtime_ns / 1e9, UTC)
                yield FileFacts(path=path.relative_to(root).as_posix(), size_bytes=found.st_size, modified_at=at)

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> pl.LazyFrame:
        """Lazy rows; filters and columns reach the reader. What is unpacked stays until `close`."""
        from headrace.kits.files.formats import scan

        root, _ = self.root()
        chosen = options or ReadOptions()
        folder = self.scratch()
        files = paths.matching(root, stream.name)
        kind = paths.format_of(files[0].name, chosen.format)
        return scan(paths.unpacked(files, folder), kind, chosen, reject, folder)

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows in batches, in the file's order."""
        frame = self.scan(stream, options=options, reject=reject)
        chosen = frame.select(list(columns)) if columns else frame
        for batch in chosen.collect_batches(chunk_size=batch_rows, maintain_order=True):
            for start in range(0, batch.height, batch_rows):
                yield batch.slice(start, batch_rows)

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write into a temporary file, then show it at once. An append keeps what there is, in front."""
        from headrace.kits.files.formats import Writer

        root, writable = self.root()
        if not writable:
            raise ConfigError(
                "this folder belongs to a package and cannot be written; use another connection", field="connection"
            )
        target = paths.inside(root, name)
        chosen = options or WriteOptions()
        kind = paths.format_of(name, chosen.format)
        paths.free_of_links(root, target)
        effects = _Effects(target)
        done = effects.done(effect_key)
        if done is not None:
            return WriteResult(done)
        part = target.with_name(f".{target.name}.{abs(hash(effect_key or id(frames)))}.part")
        writer = Writer(part, name, kind, chosen)
        rows = 0
        try:
            if mode == "append" and target.exists():
                for frame in self._present(name, kind):
                    writer.write(frame)
            for frame in frames:
                writer.write(frame)
                rows += frame.height
            writer.close()
            effects.begin(effect_key, rows, part)
            paths.move(part, target)
        finally:
            part.unlink(missing_ok=True)
        return WriteResult(rows)

    def _present(self, name: str, kind: str) -> Iterator[pl.DataFrame]:
        stream = self.stream(name, options=ReadOptions(format=kind))  # type: ignore[arg-type]
        yield from self.read(stream, options=ReadOptions(format=kind))  # type: ignore[arg-type]

    def close(self) -> None:
        """Remove the scratch folder."""
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None


class _Effects:
    """Which effect made the file: a note beside it, written before the file is shown, true if the size agrees."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._note = target.with_name(f".{target.name}.effect")

    def done(self, key: str) -> int | None:
        """Rows of the effect, if it is the one that made the file."""
        if not key or not self._note.exists() or not self._target.exists():
            return None
        note = json.loads(self._note.read_text(encoding="utf-8"))
        same = note["key"] == key and note["bytes"] == self._target.stat().st_size
        return int(note["rows"]) if same else None

    def begin(self, key: str, rows: int, part: Path) -> None:
        """Note the effect that is about to be shown."""
        if key:
            fresh = self._note.with_name(self._note.name + ".new")
            fresh.write_text(json.dumps({"key": key, "rows": rows, "bytes": part.stat().st_size}), encoding="utf-8")
            fresh.replace(self._note)
