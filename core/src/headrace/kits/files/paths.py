"""Where files are: below a root, never outside; what they are, by suffix; and out of their compression."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from headrace.sdk.errors import ConfigError, DataError

SUFFIXES = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson",
    ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel", ".xls": "excel",
}  # fmt: skip
PACKED = frozenset({".gz", ".zip"})
UNPACKED_MAX = 64 * 2**30
RATIO_MAX = 1_000
"""A file that unpacks to more than so many times its size is a bomb (from 1 GiB on)."""


NAME_MAX = 2_000
PART_MAX = 255
"""Bytes of a name in a folder; file systems answer more with an error of their own."""


def file_roots() -> list[Path]:
    """Folders that connections may use: `HEADRACE_FILE_ROOTS`, or `files` in the home of this install."""
    given = os.environ.get("HEADRACE_FILE_ROOTS", "")
    home = Path(os.environ.get("HEADRACE_HOME") or ".headrace")
    return [Path(part).resolve() for part in given.split(",") if part.strip()] or [(home / "files").resolve()]


def resolve_root(root: str) -> tuple[Path, bool]:
    """The folder of a connection, and whether it may be written.

    Args:
        root: A folder below one of `file_roots()`, or `package:NAME/FOLDER` for data that an installed package brings.

    Raises:
        ConfigError: it is outside, or does not exist.
    """
    if root.startswith("package:"):
        return _package_folder(root.removeprefix("package:")), False
    roots = file_roots()
    folder = (roots[0] / root).resolve()
    if not any(folder.is_relative_to(allowed) for allowed in roots):
        raise ConfigError(
            f"the folder '{root}' is outside of what this install opens to flows; choose one below "
            f"{', '.join(map(str, roots))}, or ask an operator to set HEADRACE_FILE_ROOTS",
            field="root",
        )
    if folder in roots:
        folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        raise ConfigError(f"the folder '{root}' does not exist; create it or correct the path", field="root")
    return folder, True


def database_file(path: str) -> Path:
    """The file of a connection to an embedded database: below one of `file_roots()`.

    Raises:
        ConfigError: it is outside, names no file, or its folder does not exist.
    """
    given = Path(path)
    if "\0" in path or not given.name:
        raise ConfigError("the path names no file; write one like `shop.db`", field="path")
    try:
        folder, _ = resolve_root(str(given.parent))
    except ConfigError as error:
        raise ConfigError(error.message, field="path") from None
    file = (folder / given.name).resolve()
    if not any(file.is_relative_to(root) for root in file_roots()) or file.is_dir():
        raise ConfigError(f"'{given.name}' is a folder or a link that leads out; name a file", field="path")
    return file


def _package_folder(place: str) -> Path:
    name, _, rest = place.partition("/")
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations or ".." in Path(rest).parts:
        raise ConfigError(f"there is no package '{name}' here; pip install it on every worker", field="root")
    folder = Path(next(iter(spec.submodule_search_locations))) / rest
    if not folder.is_dir():
        raise ConfigError(f"the package '{name}' has no folder '{rest}'", field="root")
    return folder.resolve()


def inside(root: Path, name: str) -> Path:
    """The path of a stream below the root.

    Raises:
        ConfigError: it leads outside, or is no name.
    """
    if not name or "\0" in name or Path(name).is_absolute():
        raise ConfigError(f"'{name}' is no file below the connection's folder; write a relative path", field="stream")
    if len(name) > NAME_MAX or any(len(part.encode()) > PART_MAX for part in name.split("/")):
        raise ConfigError("the name of the file is too long for any folder; write a shorter one", field="stream")
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root:
        raise ConfigError(f"'{name}' leads out of the connection's folder; write a path below it", field="stream")
    return path


def listed(root: Path, name: str) -> list[Path]:
    """Files that a path or glob below the root matches, in no order; links that lead out are left out."""
    if not any(sign in name for sign in "*?["):
        path = inside(root, name)
        return [path] if path.is_file() else []
    inside(root, name.replace("*", "x").replace("?", "x").replace("[", "x"))
    return [path for path in root.glob(name) if path.is_file() and path.resolve().is_relative_to(root)]


def watched_folder(root: Path, pattern: str) -> Path:
    """The folder of a path or glob: what stands before its first sign.

    Raises:
        ConfigError: it does not exist.
    """
    folder = Path(pattern).parent
    while any(sign in str(folder) for sign in "*?["):
        folder = folder.parent
    found = root if folder == Path() else inside(root, str(folder))
    if not found.is_dir():
        raise ConfigError(f"there is no folder '{folder}' in {root.name}; create it or correct the path", field="path")
    return found


def matching(root: Path, name: str) -> list[Path]:
    """Files of a stream: one file, or those that a glob matches, by name.

    Raises:
        ConfigError: there is none.
    """
    found = sorted(listed(root, name))
    if not found:
        near = ", ".join(sorted(p.name for p in root.iterdir() if p.is_file() and p.name[0] != ".")[:10]) or "nothing"
        raise ConfigError(f"there is no file '{name}' in {root.name}; there is {near}", field="stream")
    return found


def format_of(name: str, said: str = "") -> str:
    """The format of a file.

    Raises:
        ConfigError: the suffix says nothing.
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() not in PACKED]
    found = said or (SUFFIXES.get(suffixes[-1]) if suffixes else None)
    if not found:
        raise ConfigError(
            f"the format of '{name}' is not clear from its suffix; choose it in the options", field="options.format"
        )
    return found


def unpacked(paths: Sequence[Path], scratch: Path) -> list[Path]:
    """Files as they are, or unpacked into scratch.

    Raises:
        DataError: an archive holds more than one file, is damaged, or is a bomb.
    """
    return [_unpack(path, scratch) if path.suffix.lower() in PACKED else path for path in paths]


def _unpack(path: Path, scratch: Path) -> Path:
    done = scratch / f"{abs(hash((str(path), path.stat().st_mtime_ns)))}" / path.stem
    if done.exists():
        return done
    done.parent.mkdir(exist_ok=True)
    target = done.with_name(f".{done.name}.part")  # a half one is never taken for the file
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path, "rb") as source, target.open("wb") as out:
                _copy(cast("IO[bytes]", source), out, path)
            return target.rename(done)
        with zipfile.ZipFile(path) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            if len(members) != 1:
                raise DataError(f"'{path.name}' holds {len(members)} files; an archive with exactly one can be read")
            with archive.open(members[0]) as source, target.open("wb") as out:
                _copy(source, out, path)
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(
            f"'{path.name}' is damaged and cannot be unpacked; fetch or pack it again",
            detail=str(error),
            field="stream",
        ) from None
    return target.rename(done)


def _copy(source: IO[bytes], out: IO[bytes], path: Path) -> None:
    """Copy with a limit on what really comes out, not on what the header says."""
    most = min(UNPACKED_MAX, max(2**30, path.stat().st_size * RATIO_MAX))
    done = 0
    while chunk := source.read(2**20):
        done += len(chunk)
        if done > most:
            raise DataError(f"'{path.name}' unpacks to more than {most // 2**20} MiB; it is refused")
        out.write(chunk)


def free_of_links(root: Path, path: Path) -> None:
    """Create the folder of a file to write, below the root."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(root):
        raise ConfigError(f"'{path.name}' leads out of the connection's folder", field="stream")


def move(source: Path, target: Path) -> None:
    """Make a finished file visible at once."""
    shutil.move(source, target) if source.stat().st_dev != target.parent.stat().st_dev else source.replace(target)
