"""WebDAV, as much of it as files need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from headrace.kits.files.http_fs import Body, HttpFileSystem, parsed_xml, text_at
from headrace.sdk import ConfigError

PROPERTIES = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/>\
<getetag/></prop></propfind>'


class WebdavFileSystem(HttpFileSystem):
    """Paths are below the base address.

    Args:
        base_url: Of the folder.
        credentials: Headers.
    """

    def __init__(self, base_url: str, credentials: Mapping[str, str]) -> None:
        super().__init__(base_url)
        self._credentials = dict(credentials)

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """The credentials."""
        return self._credentials

    def _found(self, path: str, depth: str) -> list[dict[str, Any]]:
        sent = {"depth": depth, "content-type": "application/xml"}
        url = self.url(path) + ("/" if depth == "1" else "")
        answer = parsed_xml(self.call("PROPFIND", url, headers=sent, body=PROPERTIES).body)
        return [self._facts(item) for item in answer.iter("{DAV:}response")]

    def _facts(self, item: Any) -> dict[str, Any]:
        start = unquote(urlsplit(self.base).path)
        path = unquote(urlsplit(text_at(item, "href")).path)
        folder = next(item.iter("{DAV:}collection"), None) is not None
        changed = text_at(item, "getlastmodified")
        return {
            "name": "/" + path.removeprefix(start).strip("/"), "type": "directory" if folder else "file",
            "size": int(text_at(item, "getcontentlength") or 0), "etag": text_at(item, "getetag"),
            "mtime": parsedate_to_datetime(changed) if changed else None,
        }  # fmt: skip

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Files and folders right below."""
        own = "/" + path.strip("/")
        found = [facts for facts in self._found(path, "1") if facts["name"] != own]
        return found if detail else [facts["name"] for facts in found]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of a file or folder."""
        return self._found(path, "0")[0]

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine, in pieces of one request."""
        part = Path(lpath)
        size = part.stat().st_size

        def body() -> Iterable[bytes]:
            return self.pieces(part, size)

        self.call("PUT", self.url(rpath), headers={"content-length": str(size)}, body=body)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        made = ""
        for name in [part for part in path.split("/") if part]:
            made = f"{made}/{name}"
            if not self.exists(made):
                try:
                    self.call("MKCOL", self.url(made))
                except ConfigError:
                    if not self.exists(made):  # somebody else was faster
                        raise

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Rename, in place of what is there."""
        self.call("MOVE", self.url(path1), headers={"destination": self.url(path2), "overwrite": "T"})

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        self.call("DELETE", self.url(path))
