"""The JSON API of Google Cloud Storage, as much of it as files need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from headrace.kits.files.http_fs import Body
from headrace.kits.files.object_fs import ObjectFileSystem, Page
from headrace.kits.http.google import AccountKey, ServiceAccount
from headrace.sdk import Secret

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class GcsFileSystem(ObjectFileSystem):
    """Buckets, as one service account.

    Args:
        endpoint: Address of the service.
        key: JSON key of the account; empty is anonymous.
    """

    def __init__(self, endpoint: str, key: str) -> None:
        super().__init__(endpoint)
        self._sign_in = ServiceAccount(AccountKey(Secret(key)), "private_key", SCOPE) if key else None

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """A bearer token, asked for an hour at a time."""
        return self._sign_in.signed(method, url)[1] if self._sign_in else {}

    def _object(self, path: str) -> str:
        bucket, _, key = path.strip("/").partition("/")
        return f"{self.base}/storage/v1/b/{quote(bucket)}/o/{quote(key, safe='')}"

    def url(self, path: str) -> str:
        """The address of an object's content."""
        return f"{self._object(path)}?alt=media"

    def unchanged(self, url: str, facts: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """An object's generation, rather than its etag."""
        version = facts.get("version")
        return (f"{url}&ifGenerationMatch={version}" if version else url), {}

    def head(self, path: str) -> dict[str, Any]:
        """Facts of one object."""
        item = msgspec.json.decode(self.call("GET", self._object(path)).body)
        return {**_facts(item), "name": path.strip("/"), "type": "file"}

    def pages(self, bucket: str, prefix: str, *, deep: bool, limit: int = 1_000) -> Iterator[Page]:
        """Objects by name."""
        query = {"prefix": prefix, "maxResults": str(limit)} | ({} if deep else {"delimiter": "/"})
        more = True
        while more:
            url = f"{self.base}/storage/v1/b/{quote(bucket)}/o?{urlencode(query)}"
            answer = msgspec.json.decode(self.call("GET", url).body)
            files = [_facts(item) for item in answer.get("items", ()) if item["name"] != prefix]
            yield files, answer.get("prefixes", [])
            query["pageToken"] = answer.get("nextPageToken", "")
            more = bool(query["pageToken"])

    def _upload(self, path: str, kind: str) -> str:
        bucket, _, key = path.strip("/").partition("/")
        return f"{self.base}/upload/storage/v1/b/{quote(bucket)}/o?uploadType={kind}&name={quote(key, safe='')}"

    def put_bytes(self, path: str, body: bytes) -> None:
        """Put a small object."""
        sent = {"content-type": "application/octet-stream"}
        self.call("POST", self._upload(path, "media"), headers=sent, body=body)

    def put_parts(self, path: str, part: Path, size: int) -> None:
        """Put by a resumable upload; what is not finished never shows."""
        place = self.call("POST", self._upload(path, "resumable"), headers={"content-length": "0"}).headers["location"]
        at = 0
        for piece in self.pieces(part, size):
            span = f"bytes {at}-{at + len(piece) - 1}/{size}"
            self.call("PUT", place, headers={"content-range": span}, body=piece)
            at += len(piece)

    def rm_file(self, path: str) -> None:
        """Delete an object."""
        self.call("DELETE", self._object(path))


def _facts(item: Mapping[str, Any]) -> dict[str, Any]:
    changed = datetime.fromisoformat(item["updated"]) if item.get("updated") else None
    return {"name": item["name"], "size": int(item.get("size", 0)), "mtime": changed, "version": item.get("generation")}
