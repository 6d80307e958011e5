"""Where files are: below a root, never outside; and what they are, by suffix."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from headrace.sdk.errors import ConfigError

SUFFIXES = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson",
    ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
    ".avro": "avro", ".orc": "orc", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".xml": "xml",
    ".yaml": "yaml", ".yml": "yaml", ".fwf": "fixed",
}  # fmt: skip
STREAMS = frozenset({".gz", ".zst", ".bz2", ".xz"})
ARCHIVES = frozenset({".zip", ".tar", ".tgz"})
PACKED = STREAMS | ARCHIVES
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


@lru_cache(maxsize=64)
def _package(name: str) -> Path:
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"there is no package '{name}' here; pip install it on every worker", field="root")
    return Path(next(iter(spec.submodule_search_locations)))


def _package_folder(place: str) -> Path:
    name, _, rest = place.partition("/")
    if ".." in Path(rest).parts:
        raise ConfigError(f"the package '{name}' has no folder '{rest}'", field="root")
    folder = _package(name) / rest
    if not folder.is_dir():
        raise ConfigError(f"the package '{name}' has no folder '{rest}'", field="root")
    return folder.resolve()


def clean(name: str) -> str:
    """A name below the connection's folder, with `/`.

    Raises:
        ConfigError: it leads outside, or is no name.
    """
    if not name or name.startswith("/") or any(ord(sign) < 32 or sign in "\\\x7f" for sign in name):
        raise ConfigError(f"{name!r} is no file below the connection's folder; write a relative path", field="stream")
    if len(name) > NAME_MAX or any(len(part.encode()) > PART_MAX for part in name.split("/")):
        raise ConfigError("the name of the file is too long for any folder; write a shorter one", field="stream")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts or not parts:
        raise ConfigError(f"'{name}' leads out of the connection's folder; write a path below it", field="stream")
    return "/".join(parts)


def inside(root: Path, name: str) -> Path:
    """The path of a name below a folder of this machine; links are followed first.

    Raises:
        ConfigError: it leads outside, or is no name.
    """
    path = (root / clean(name)).resolve()
    if not path.is_relative_to(root) or path == root:
        raise ConfigError(f"'{name}' leads out of the connection's folder; write a path below it", field="stream")
    return path


def format_of(name: str, said: str = "") -> str:
    """The format of a file.

    Raises:
        ConfigError: the suffix says nothing.
    """
    found = said or known_format(name)
    if not found:
        raise ConfigError(
            f"the format of '{name}' is not clear from its suffix; choose it in the options", field="options.format"
        )
    return found


def known_format(name: str) -> str:
    """The format that a suffix says, compressions apart; empty if it says none."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() not in PACKED]
    return SUFFIXES.get(suffixes[-1], "") if suffixes else ""


def packing(name: str) -> tuple[str, ...]:
    """Compressions around a file, the outermost first: `a.tar.gz` is `.gz`, `.tar`."""
    found = []
    for suffix in reversed([suffix.lower() for suffix in Path(name).suffixes]):
        if suffix not in PACKED:
            break
        found += [".gz", ".tar"] if suffix == ".tgz" else [suffix]
    return tuple(found)
