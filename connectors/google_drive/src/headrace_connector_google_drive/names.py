"""Names in Google Drive, where anything is a name and a folder may hold it twice, as names of paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from headrace.kits.files.drive_fs import Item

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"
_OFFICE = "application/vnd.openxmlformats-officedocument"
EXPORTS: dict[str, tuple[tuple[str, str], ...]] = {
    "application/vnd.google-apps.spreadsheet": (
        (".xlsx", f"{_OFFICE}.spreadsheetml.sheet"), (".csv", "text/csv"), (".tsv", "text/tab-separated-values"),
        (".ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ),
    "application/vnd.google-apps.document": (
        (".docx", f"{_OFFICE}.wordprocessingml.document"), (".txt", "text/plain"),
    ),
}  # fmt: skip
"""Documents of Google, and the suffixes and types that they are exported as; lists show the first."""
_BY_ID = re.compile(r" \(([\w-]{19,})\)(?:\.[^()]*)?\Z", re.ASCII)


def shown(name: str, kinds: Sequence[tuple[str, str]]) -> str:
    """A name as part of a path."""
    return name.replace("/", "／") + (kinds[0][0] if kinds else "")  # noqa: RUF001 - it looks alike on purpose


def own_names(title: str) -> list[str]:
    """Names in the drive that may be shown so."""
    suffixes = {suffix for kinds in EXPORTS.values() for suffix, _ in kinds}
    found = [title, *(title.removesuffix(suffix) for suffix in sorted(suffixes) if title.endswith(suffix))]
    return list(dict.fromkeys(found + [name.replace("／", "/") for name in found]))  # noqa: RUF001


def told_apart(items: Iterable[Item]) -> list[Item]:
    """Items whose titles differ: where several have one, each has its id in it."""
    found = list(items)
    count = Counter(item["title"] for item in found)
    return [item if count[item["title"]] == 1 else {**item, "title": _with_id(item)} for item in found]


def _with_id(item: Item) -> str:
    stem, dot, suffixes = item["title"].partition(".") if item["type"] == "file" else (item["title"], "", "")
    return f"{stem} ({item['id']}){dot}{suffixes}"


def by_id(title: str) -> str:
    """The id in a title; empty if there is none."""
    found = _BY_ID.search(title)
    return found[1] if found else ""
