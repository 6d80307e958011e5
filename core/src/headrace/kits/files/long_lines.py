"""Lines of a file in bounded memory: one that is longer than a limit is passed over, never loaded."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from headrace.sdk.errors import DataError

LINE_MAX = 16 * 2**20
LONG = "\udfff"
"""Stands for a line that is too long; no text holds it."""
TOO_LONG = f"a field or line of it is longer than {LINE_MAX // 2**20} MiB"


def has_long_line(path: Path) -> bool:
    """Whether a line is longer than `LINE_MAX`. Looks at one page in so many bytes, so it costs next to nothing."""
    size = path.stat().st_size
    if size <= LINE_MAX:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        start = 0
        while size - start > LINE_MAX:
            end = view.rfind(b"\n", start, start + LINE_MAX)
            if end < 0:
                return True
            start = end + 1
    return False


def bounded_lines(file: BinaryIO, path: Path) -> Iterator[bytes | None]:
    """Lines with their ends; None for one that is too long.

    Raises:
        DataError: the first line is, so this is hardly a table.
    """
    first = True
    while line := file.readline(LINE_MAX):
        if len(line) < LINE_MAX or line.endswith(b"\n"):
            yield line
        elif first:
            raise DataError(
                f"the first line of '{path.name}' is longer than {LINE_MAX // 2**20} MiB, which is no header; choose "
                "the file's format, or correct it",
                field="stream",
            )
        else:
            while line and not line.endswith(b"\n"):
                line = file.readline(LINE_MAX)
            yield None
        first = False


def text_lines(file: BinaryIO, path: Path) -> Iterator[str]:
    """Lines as text; bytes that are no UTF-8 stay recognizable, lines that are too long are `LONG`."""
    first = True
    for line in bounded_lines(file, path):
        if line is None:
            yield LONG + "\n"
            continue
        yield (
            line.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
            if first
            else line.decode(errors="surrogateescape")
        )
        first = False
