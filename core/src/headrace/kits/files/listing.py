"""Files of a filesystem below a root: what a path, a folder or a glob matches, with what the store tells of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from fsspec import AbstractFileSystem
from fsspec.utils import glob_translate
from msgspec import Struct

from headrace.kits.files.paths import clean, known_format
from headrace.sdk.errors import ConfigError

SIGNS = re.compile(r"[*?\[]")
LISTED_MAX = 500
_EPOCH = datetime.fromtimestamp(0, UTC)


class Entry(Struct, frozen=True):
    """One file.

    Attributes:
        name: Below the root, with `/`.
        path: As the filesystem names it.
        modified_at: Aware; the epoch where the store does not tell it.
        etag: Whatever else changes with the content; empty if there is nothing.
    """

    name: str
    path: str
    size: int
    modified_at: datetime
    etag: str = ""

    @property
    def version(self) -> str:
        """Text that sorts by time and name, and changes with the content."""
        return f"{self.modified_at:%Y-%m-%dT%H:%M:%S.%fZ} {self.name} {self.etag}".rstrip()

    @property
    def hive(self) -> dict[str, str | None]:
        """Columns in the names of its folders, as in `year=2026/`."""
        pairs = (part.partition("=") for part in self.name.split("/")[:-1] if "=" in part)
        return {unquote(key): None if value == HIVE_NULL else unquote(value) for key, _, value in pairs}


HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def matching(fs: AbstractFileSystem, root: str, name: str) -> list[Entry]:
    """Files of a stream, by name: one file, those below a folder, or those that a glob matches.

    Raises:
        ConfigError: there is none.
    """
    found = sorted(listed(fs, root, name), key=lambda entry: entry.name)
    if not found:
        there = sorted(entry.name for entry in below(fs, root, "", depth=1))[:10]
        near = ", ".join(there) or "nothing"
        raise ConfigError(f"there is no file '{name}' in {root.rpartition('/')[2]}; there is {near}", field="stream")
    return found


def listed(fs: AbstractFileSystem, root: str, name: str) -> Iterator[Entry]:
    """Files that a path, folder or glob matches, in no order; none is no error. Hidden ones are left out."""
    name = clean(name)
    if not SIGNS.search(name):
        try:
            entry = entry_of(root, fs.info(_join(root, name)))
        except FileNotFoundError:
            return
        if entry is not None:
            yield entry
        else:
            yield from (entry for entry in below(fs, root, name) if known_format(entry.name))
        return
    parts = name.split("/")
    fixed = next(number for number, part in enumerate(parts) if SIGNS.search(part))
    depth = None if "**" in name else len(parts) - fixed
    wanted = re.compile(glob_translate(name))
    for entry in below(fs, root, "/".join(parts[:fixed]), depth=depth):
        if wanted.match(entry.name):
            yield entry


def below(fs: AbstractFileSystem, root: str, folder: str, *, depth: int | None = None) -> Iterator[Entry]:
    """Files below a folder, hidden ones and what is in hidden folders left out."""
    try:
        found = fs.find(_join(root, folder), maxdepth=depth, detail=True)
    except FileNotFoundError:
        return
    for info in found.values():
        entry = entry_of(root, info)
        if entry is not None and not any(part.startswith(".") for part in entry.name.split("/")):
            yield entry


def entry_of(root: str, info: dict[str, Any]) -> Entry | None:
    """A file's entry; None for a folder, or a link that leads nowhere."""
    if info.get("type") != "file":
        return None
    path = str(info["name"]).rstrip("/")
    start = root.rstrip("/")
    name = path[len(start) :].lstrip("/") if path.startswith(start) else path.lstrip("/")
    etag = str(info.get("etag") or info.get("ETag") or "").strip('"')
    if not etag and "ino" in info:
        etag = f"{info['ino']}-{info.get('created', 0)}"
    return Entry(name, path, int(info.get("size") or 0), _moment(info), etag)


def _moment(info: dict[str, Any]) -> datetime:
    """When it was changed, of the words that filesystems have for it."""
    for key in ("mtime", "modified", "last_modified", "LastModified", "modify"):
        value = info.get(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and re.fullmatch(r"\d{14}(\.\d+)?", value):
            return datetime.strptime(value[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return _EPOCH


def _join(root: str, name: str) -> str:
    return f"{root.rstrip('/')}/{name}" if name else root.rstrip("/")
