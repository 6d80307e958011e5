"""What a text file looks like: its delimiter, and UTF-8 out of other encodings."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

from headrace.kits.files.options import ReadOptions
from headrace.sdk.errors import DataError

CANDIDATES = ",;\t|"
LINES = 100


def separator(head: bytes, options: ReadOptions) -> str:
    """The delimiter: as said, else a tab for TSV, else the one that cuts the first lines most evenly."""
    if options.delimiter:
        return options.delimiter
    if options.format == "tsv":
        return "\t"
    lines = head.decode(errors="replace").splitlines()[:LINES]
    scores = {sign: _score(lines, sign) for sign in CANDIDATES}
    best = max(CANDIDATES, key=lambda sign: scores[sign])
    return best if scores[best] > scores[","] else ","


def _score(lines: Sequence[str], sign: str) -> float:
    """Share of the lines that have as many fields as the first one; 0 where that is one."""
    try:
        counts = [len(fields) for fields in csv.reader(lines, delimiter=sign) if fields]
    except csv.Error:
        return 0
    if not counts or counts[0] < 2:
        return 0
    return sum(count == counts[0] for count in counts) / len(counts)


def as_utf8(path: Path, encoding: str, scratch: Path) -> Path:
    """The file in UTF-8; another one in scratch where it is not.

    Raises:
        DataError: it is not of the encoding.
    """
    if encoding == "utf-8":
        return path
    target = scratch / f"{encoding}-{path.stat().st_mtime_ns}" / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as out:
            while chunk := source.read(2**20):
                out.write(decoder.decode(chunk))
            out.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        raise DataError(
            f"'{path.name}' is no {encoding} text; choose another encoding", detail=str(error), field="options.encoding"
        ) from None
    return target
