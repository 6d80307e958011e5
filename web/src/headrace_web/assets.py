"""Files of the UI: what Vite built, by its manifest, and the few that need no build."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

STATIC = Path(__file__).parent / "static"
MANIFEST = STATIC / "dist" / "manifest.json"
MAIN = "src/main.tsx"
TEXTS = {".js", ".css", ".svg", ".html", ".json"}
"""Files that shrink; fonts and pictures are packed already."""


class Entry(Struct):
    """A chunk: its file and style sheets, relative to `static/dist`, and the names of those that it needs at once."""

    file: str
    css: list[str] = []
    imports: list[str] = []


def entry() -> Entry | None:
    """The main chunk of the built UI with the style sheets of all that it needs at once; None when nothing is built."""
    try:
        chunks = msgspec.json.decode(MANIFEST.read_bytes(), type=dict[str, Entry])
    except (OSError, msgspec.DecodeError):
        return None
    if MAIN not in chunks:
        return None
    return Entry(chunks[MAIN].file, [sheet for one in _needed(chunks, MAIN) for sheet in one.css])


def _needed(chunks: dict[str, Entry], name: str) -> list[Entry]:
    """A chunk after those that it imports, each once."""
    seen: set[str] = set()
    found: list[Entry] = []

    def visit(one: str) -> None:
        if one in chunks and one not in seen:
            seen.add(one)
            for other in chunks[one].imports:
                visit(other)
            found.append(chunks[one])

    visit(name)
    return found


def find(name: str) -> Path | None:
    """The file of a URL below `/static/`; None for anything outside."""
    path = (STATIC / name).resolve()
    return path if path.is_file() and path.is_relative_to(STATIC.resolve()) and not path.name.startswith(".") else None


def content(path: Path, accepted: str) -> tuple[bytes, dict[str, str]]:
    """A file as this `Accept-Encoding` takes it, and the headers that say so."""
    if path.suffix not in TEXTS:
        return path.read_bytes(), {}
    if "gzip" not in accepted:
        return path.read_bytes(), {"Vary": "Accept-Encoding"}
    return _packed(path, path.stat().st_mtime_ns), {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"}


@lru_cache(maxsize=512)
def _packed(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


def media_type(path: Path) -> str:
    """Its media type; browsers refuse scripts of another."""
    known = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
    return known.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
