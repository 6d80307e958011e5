"""Kinds of files: by the end of the name, and by what is inside. Both must agree; what is no known kind stays out."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from msgspec import Struct

from headrace.sdk.errors import ConfigError, ServiceError

HEAD_BYTES = 512
_ZIP = ((0, b"PK\x03\x04"), (0, b"PK\x05\x06"))
_OOXML = "application/vnd.openxmlformats-officedocument"


class TooLarge(ServiceError):
    """More bytes than one file may have."""

    code = "TOO_LARGE"
    status = 413


class Kind(Struct, frozen=True):
    """A kind of file.

    Attributes:
        media_type: As it is served.
        marks: What its content has, at which place, one of them; nothing marks a text, which has no zero byte.
    """

    media_type: str
    marks: tuple[tuple[int, bytes], ...] = ()


KINDS = {
    "csv": Kind("text/csv"),
    "tsv": Kind("text/tab-separated-values"),
    "txt": Kind("text/plain"),
    "log": Kind("text/plain"),
    "md": Kind("text/markdown"),
    "html": Kind("text/html"),
    "xml": Kind("application/xml"),
    "json": Kind("application/json"),
    "jsonl": Kind("application/x-ndjson"),
    "ndjson": Kind("application/x-ndjson"),
    "yaml": Kind("application/yaml"),
    "yml": Kind("application/yaml"),
    "toml": Kind("application/toml"),
    "sql": Kind("application/sql"),
    "parquet": Kind("application/vnd.apache.parquet", ((0, b"PAR1"),)),
    "arrow": Kind("application/vnd.apache.arrow.file", ((0, b"ARROW1"),)),
    "feather": Kind("application/vnd.apache.arrow.file", ((0, b"ARROW1"),)),
    "avro": Kind("application/avro", ((0, b"Obj\x01"),)),
    "orc": Kind("application/orc", ((0, b"ORC"),)),
    "pdf": Kind("application/pdf", ((0, b"%PDF-"),)),
    "png": Kind("image/png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    "jpg": Kind("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    "jpeg": Kind("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    "gif": Kind("image/gif", ((0, b"GIF87a"), (0, b"GIF89a"))),
    "webp": Kind("image/webp", ((8, b"WEBP"),)),
    "zip": Kind("application/zip", _ZIP),
    "xlsx": Kind(f"{_OOXML}.spreadsheetml.sheet", _ZIP),
    "docx": Kind(f"{_OOXML}.wordprocessingml.document", _ZIP),
    "pptx": Kind(f"{_OOXML}.presentationml.presentation", _ZIP),
    "gz": Kind("application/gzip", ((0, b"\x1f\x8b"),)),
    "zst": Kind("application/zstd", ((0, b"\x28\xb5\x2f\xfd"),)),
    "tar": Kind("application/x-tar", ((257, b"ustar"),)),
    "dump": Kind("application/octet-stream", ((0, b"PGDMP"),)),
}
"""By the end of a name."""
_MARKS = {mark for kind in KINDS.values() for mark in kind.marks}


def ending(name: str) -> str:
    """What says the kind: the part after the last dot, in lower case."""
    return PurePosixPath(name).suffix[1:].lower()


def kind_of(name: str, allowed: frozenset[str]) -> Kind:
    """The kind that a name says.

    Raises:
        ConfigError: it is none of the allowed ones.
    """
    end = ending(name)
    if end not in allowed:
        raise ConfigError(
            f"a name that ends with '.{end[:20]}' is of no kind that this bucket takes; it takes "
            f"{', '.join(sorted(allowed))}",
            field="name",
        )  # fmt: skip
    return KINDS[end]


class Watch:
    """Looks at a content as it passes: its size, its sum, and whether it is what its name says.

    Args:
        name: Of the file, for what is said.
        kind: That the name says.
        most_bytes: How large it may be.
    """

    def __init__(self, name: str, kind: Kind, most_bytes: int) -> None:
        self.size_bytes = 0
        self._name, self._kind, self._most = name, kind, most_bytes
        self._sum, self._head = hashlib.sha256(), b""

    @property
    def sha256(self) -> str:
        """Of what has passed."""
        return self._sum.hexdigest()

    def see(self, piece: bytes) -> None:
        """Take note of a piece.

        Raises:
            TooLarge: it is one too many.
            ConfigError: this is not what the name says.
        """
        self.size_bytes += len(piece)
        if self.size_bytes > self._most:
            raise TooLarge(f"'{self._name}' is larger than the {self._most:,} bytes that it may have", max=self._most)
        if not self._kind.marks and b"\0" in piece:
            raise self._wrong()
        self._sum.update(piece)
        early = len(self._head) < HEAD_BYTES
        self._head += piece[: HEAD_BYTES - len(self._head)] if early else b""
        if early and len(self._head) == HEAD_BYTES:
            self._look()

    def end(self) -> None:
        """That was all.

        Raises:
            ConfigError: it is not what the name says, or nothing at all.
        """
        if not self.size_bytes:
            raise ConfigError(f"'{self._name}' is empty; send its content as the body of the request")
        self._look()

    def _look(self) -> None:
        marks = self._kind.marks
        if marks and not any(self._has(mark) for mark in marks):
            raise self._wrong()
        if not marks and any(self._has(mark) for mark in _MARKS):
            raise self._wrong()

    def _has(self, mark: tuple[int, bytes]) -> bool:
        return self._head[mark[0] :].startswith(mark[1])

    def _wrong(self) -> ConfigError:
        return ConfigError(
            f"the content of '{self._name}' is not what its name says ({self._kind.media_type}); send the file that "
            "belongs to the name, or give it its right name",
            field="name",
        )  # fmt: skip
