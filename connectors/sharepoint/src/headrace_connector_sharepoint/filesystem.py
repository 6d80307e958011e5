"""A site of SharePoint as a folder of its libraries, each of which is a drive of Microsoft Graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from headrace.kits.files.drive_fs import Item
from headrace.kits.files.graph_fs import GraphFileSystem
from headrace.kits.http.auth import SignIn
from headrace.sdk import ConfigError

SITE = "site"


class SharepointFileSystem(GraphFileSystem):
    """A site.

    Args:
        endpoint: Address of Graph.
        sign_in: Credentials.
        site: Its address, as a browser shows it.
        library: Name of the only library; empty is all.
    """

    def __init__(self, endpoint: str, sign_in: SignIn, *, site: str, library: str) -> None:
        super().__init__(endpoint, sign_in)
        self._site, self._library = site, library
        self._known: dict[str, str] = {}

    def libraries(self) -> dict[str, str]:
        """Addresses of the libraries' drives by name.

        Raises:
            ConfigError: there is no such site.
        """
        if not self._known:
            place = urlsplit(self._site if "://" in self._site else f"https://{self._site}")
            inner = quote(place.path.rstrip("/"))
            where = f"{place.hostname or ''}:{inner}" if inner else place.hostname or ""
            try:
                site = self.ask("GET", f"{self.base}/sites/{where}?$select=id")
            except FileNotFoundError:
                raise ConfigError(f"there is no site '{self._site}', or it may not be seen; correct its address",
                                  field="site") from None  # fmt: skip
            url = f"{self.base}/sites/{quote(site['id'], safe=',')}/drives?$select=id,name"
            while url:
                answer = self.ask("GET", url)
                self._known |= {one["name"]: f"drives/{quote(one['id'], safe='!')}" for one in answer["value"]}
                url = answer.get("@odata.nextLink", "")
        return self._known

    def place(self, path: str) -> tuple[str, str]:
        """The drive of a path, and the path in it."""
        name, _, inner = path.partition("/")
        if self._library:
            name, inner = self._library, path
        drive = self.libraries().get(name)
        if drive is None:
            raise self._no_library(name) if self._library else FileNotFoundError(path)
        return drive, inner

    def _no_library(self, name: str) -> ConfigError:
        there = ", ".join(f"'{one}'" for one in sorted(self.libraries())) or "none"
        return ConfigError(f"the site has no library '{name}'; there is {there}", field="library")

    def look(self, path: str) -> Item:
        """The item at a path; the site itself is a folder."""
        if path or self._library:
            return super().look(path)
        self.libraries()
        return _folder("", SITE)

    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """What is right below a folder; below the site its libraries."""
        if folder["drive"] != SITE:
            yield from super().pages(folder)
            return
        yield [_folder(name, drive) for name, drive in self.libraries().items()]

    def make(self, folder: Item, name: str) -> Item:
        """Make a folder; a library is made by people."""
        if folder["drive"] == SITE:
            raise self._no_library(name)
        return super().make(folder, name)

    def put(self, folder: Item, name: str, *args: Any, **kwargs: Any) -> None:
        """Put into a library."""
        if folder["drive"] == SITE:
            raise self._no_library(name)
        super().put(folder, name, *args, **kwargs)


def _folder(name: str, drive: str) -> Item:
    """The site, or the uppermost folder of a library."""
    return {"title": name, "type": "directory", "id": "root", "drive": drive, "size": 0, "mtime": None, "etag": ""}
