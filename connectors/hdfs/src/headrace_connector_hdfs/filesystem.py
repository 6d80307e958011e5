"""WebHDFS, as much of it as files need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from headrace.kits.files.http_fs import Body, HttpFileSystem, basic_or_bearer


class HdfsFileSystem(HttpFileSystem):
    """Paths are absolute. Data nodes are reached by the door too: the operator opens them as well."""

    def __init__(self, base_url: str, user: str, password: str, token: str) -> None:
        super().__init__(base_url)
        self._who = {"delegation": token} if token else {"user.name": user} if user and not password else {}
        self._credentials = basic_or_bearer(user, password, "") if password else {}

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """The credentials of a gateway."""
        return self._credentials

    def _op(self, path: str, op: str, **more: str) -> str:
        query = urlencode({"op": op, **more, **self._who})
        return f"{self.base}/webhdfs/v1/{quote(path.strip('/'), safe='/-_.~')}?{query}"

    def _json(self, method: str, path: str, op: str, **more: str) -> Any:
        return msgspec.json.decode(self.call(method, self._op(path, op, **more)).body or b"{}")

    def url(self, path: str) -> str:
        """The address of a file's content; the name node redirects to a data node."""
        return self._op(path, "OPEN")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Bytes of a file; WebHDFS has no Range."""
        span = {"offset": str(start or 0)} | ({"length": str(end - (start or 0))} if end is not None else {})
        return b"" if end is not None and end <= (start or 0) else self.call("GET", self._op(path, "OPEN", **span)).body

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Files and folders right below."""
        listed = self._json("GET", path, "LISTSTATUS")["FileStatuses"]["FileStatus"]
        found = [_facts(f"{path.rstrip('/')}/{item['pathSuffix']}".rstrip("/"), item) for item in listed]
        return found if detail else [facts["name"] for facts in found]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of a file or folder."""
        return _facts(path.rstrip("/") or "/", self._json("GET", path, "GETFILESTATUS")["FileStatus"])

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine: the name node says where to."""
        part = Path(lpath)
        size = part.stat().st_size
        place = self._json("PUT", rpath, "CREATE", overwrite="true", noredirect="true")["Location"]

        def body() -> Iterable[bytes]:
            return self.pieces(part, size)

        sent = {"content-length": str(size), "content-type": "application/octet-stream"}
        self.call("PUT", place, headers=sent, body=body)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        self._json("PUT", path, "MKDIRS")

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Rename; WebHDFS does not replace, so what is there goes first."""
        if self.exists(path2):
            self.rm_file(path2)
        if not self._json("PUT", path1, "RENAME", destination=path2).get("boolean"):
            raise FileNotFoundError(path1)

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        self._json("DELETE", path, "DELETE")


def _facts(path: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": path, "type": "directory" if item["type"] == "DIRECTORY" else "file", "size": item["length"],
        "mtime": datetime.fromtimestamp(item["modificationTime"] / 1000, UTC),
    }  # fmt: skip
