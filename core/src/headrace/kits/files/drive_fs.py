"""Drives: services in which people keep files in folders, with an id and a version each.

A drive brings its pages of items, how an item is made and put, and its words for errors. Here are paths and walks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from headrace.kits.files.drive_calls import Changed, DriveCalls
from headrace.kits.http.auth import SignIn
from headrace.sdk.errors import ConfigError, TransientError

Item: TypeAlias = dict[str, Any]
"""`title` its own name, `type` (`file` or `directory`), `id`, `size`, `mtime`, `etag`; `name` is its path."""
ValueT = TypeVar("ValueT")


class DriveFileSystem(DriveCalls):
    """Paths are `/folder/file`. A file is put whole, as a new version of the one that is there."""

    objects = True
    guarded = True

    def __init__(self, endpoint: str, sign_in: SignIn, others: Iterable[str] = ()) -> None:
        super().__init__(endpoint, sign_in, others)
        self._folders: dict[str, Item] = {}

    @abstractmethod
    def top(self) -> Item:
        """The uppermost folder."""

    @abstractmethod
    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """What is right below a folder; `name` is not there yet."""

    @abstractmethod
    def make(self, folder: Item, name: str) -> Item:
        """Make a folder in a folder; one that somebody else has just made will do."""

    @abstractmethod
    def put(self, folder: Item, name: str, old: Item | None, part: Path, *, guard: bool) -> None:
        """Put a file of this machine, so that it shows when it is whole.

        Args:
            folder: Where to.
            name: Its own name.
            old: What it replaces.
            part: On this machine.
            guard: Only if `old` is still what is there, as its etag says.
        """

    @abstractmethod
    def remove(self, item: Item) -> None:
        """Delete a file."""

    @abstractmethod
    def content(self, item: Item) -> tuple[str, dict[str, str]]:
        """Address and headers of a file's content."""

    def child(self, folder: Item, name: str) -> Item | None:
        """An item by its name in a folder."""
        return next((item for page in self.pages(folder) for item in page if item["title"] == name), None)

    def item(self, path: str) -> Item:
        """The item at a path.

        Raises:
            FileNotFoundError: there is none.
        """
        found, here = self._folders.get("") or {**self.top(), "name": "/"}, ""
        self._folders[""] = found
        for name in filter(None, path.split("/")):
            folder, here = found, f"{here}/{name}"
            known = self._folders.get(here)
            item = known or (self.child(folder, name) if folder["type"] == "directory" else None)
            if item is None:
                raise Absent(path)
            found = {**item, "name": here}
            if found["type"] == "directory":
                self._folders[here] = found
        return found

    def info(self, path: str, **kwargs: Any) -> Item:
        """Facts of a file or folder."""
        return self._fresh(lambda: self.item(path))

    def _fresh(self, call: Callable[[], ValueT]) -> ValueT:
        """Once more without the known folders, one of which may have gone or moved."""
        try:
            return call()
        except Absent:
            raise
        except FileNotFoundError:
            self._folders.clear()
        return call()

    def probe(self, path: str) -> None:
        """One cheap request that lists."""
        next(self.pages(self.info(path)), None)

    def below(self, folder: Item) -> list[Item]:
        """Items right below a folder, with their paths."""
        start = folder["name"].rstrip("/")
        return [{**item, "name": f"{start}/{item['title']}"} for page in self.pages(folder) for item in page]

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Files and folders right below."""
        found = self._fresh(lambda: self.below(self.item(path)))
        return found if detail else [item["name"] for item in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """All files below, folder by folder, however deep."""
        found = self._fresh(lambda: self._walk(self.item(path), maxdepth))
        return found if detail else sorted(found)

    def _walk(self, start: Item, maxdepth: int | None) -> dict[str, Item]:
        if start["type"] == "file":
            return {start["name"]: start}
        found: dict[str, Item] = {}
        left = deque([(start, 1)])
        while left:
            folder, depth = left.popleft()
            for item in self._still_below(folder, first=folder is start):
                if item["type"] == "file":
                    found[item["name"]] = item
                elif maxdepth is None or depth < maxdepth:
                    left.append((item, depth + 1))
        return found

    def _still_below(self, folder: Item, *, first: bool) -> list[Item]:
        try:
            return self.below(folder)
        except FileNotFoundError:
            if first:
                raise
            return []  # it went while we walked

    def url(self, path: str) -> str:
        """The path itself; `unchanged` makes an address of it."""
        return path

    def unchanged(self, url: str, facts: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Address and headers of the content that the facts are of."""
        return self.content(dict(facts) or self.info(url))

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        """Copy a file to this machine.

        Raises:
            DataError: it was changed meanwhile.
        """
        before = None if self.pinned else self.info(rpath)
        super().get_file(rpath, lpath)
        if before is not None and self.info(rpath)["etag"] != before["etag"]:
            raise Changed("the file was changed while it was read; start again", detail=rpath)

    def put_file(self, lpath: str, rpath: str, *, same: str = "", **kwargs: Any) -> None:
        """Put a file of this machine, and make the folders that it needs.

        Raises:
            TransientError: what is there is not `same` any more.
        """
        above, _, name = rpath.strip("/").rpartition("/")

        def place() -> tuple[Item, Item | None]:
            folder = self.folder(above)
            return folder, self.child(folder, name)

        folder, old = self._fresh(place)
        if old is not None and old["type"] != "file":
            raise ConfigError(f"'{name}' is a folder; choose another name", field="stream")
        overtaken = TransientError(
            f"'{name}' was changed by somebody else since it was read; it is tried again with what is there now"
        )
        if same and (old is None or str(old["etag"]).strip('"') != same):
            raise overtaken
        try:
            self.put(folder, name, old, Path(lpath), guard=bool(same))
        except Changed:
            raise overtaken from None

    def folder(self, path: str) -> Item:
        """The folder at a path, made if it is not there."""
        try:
            found = self.item(path)
        except FileNotFoundError:
            found = self._made(path)
        if found["type"] != "directory":
            raise ConfigError(f"'{found['name']}' is no folder; choose another name", field="stream")
        return found

    def _made(self, path: str) -> Item:
        found, here = self.item(""), ""
        for name in filter(None, path.split("/")):
            folder, here = found, f"{here}/{name}"
            try:
                found = self.item(here)
            except FileNotFoundError:
                if folder["type"] != "directory":
                    return folder
                found = {**self.make(folder, name), "name": here}
                self._folders[here] = found
        return found

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        self._fresh(lambda: self.folder(path))

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        item = self.info(path)
        with suppress(FileNotFoundError):  # somebody else was faster, or an answer was lost
            self.remove(item)


class PathDriveFileSystem(DriveFileSystem):
    """A drive that finds an item by its path."""

    @abstractmethod
    def look(self, path: str) -> Item:
        """The item at a path, which has no `/` around it.

        Raises:
            FileNotFoundError: there is none.
        """

    def top(self) -> Item:
        """The uppermost folder."""
        return self.look("")

    def item(self, path: str) -> Item:
        """The item at a path."""
        path = path.strip("/")
        try:
            return {**self.look(path), "name": f"/{path}"}
        except FileNotFoundError:
            raise Absent(path) from None

    def child(self, folder: Item, name: str) -> Item | None:
        """An item by its name in a folder."""
        try:
            return self.item(f"{folder['name']}/{name}")
        except FileNotFoundError:
            return None


class Absent(FileNotFoundError):
    """A folder was looked through, and there is nothing of that name."""


def moment(text: str) -> datetime:
    """A time as services write it, with `Z`."""
    return datetime.fromisoformat(text).astimezone(UTC)
