"""The JSON API of Google Cloud Storage, as much of it as files need."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import msgspec
from headrace.kits.files.http_fs import Body
from headrace.kits.files.object_fs import ObjectFileSystem, Page
from headrace.sdk import AuthError, ConfigError
from headrace.sdk.egress_http import EgressClient

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class GcsFileSystem(ObjectFileSystem):
    """Buckets, as one service account.

    Args:
        endpoint: Address of the service.
        key: JSON key of the account; empty is anonymous.
    """

    def __init__(self, endpoint: str, key: str) -> None:
        super().__init__(endpoint)
        self._key = key
        self._token, self._until = "", 0.0

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """A bearer token, asked for an hour at a time."""
        if not self._key:
            return {}
        if time.time() > self._until:
            self._renew()
        return {"authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        try:
            key = msgspec.json.decode(self._key)
            now = int(time.time())
            claims = {"iss": key["client_email"], "scope": SCOPE, "aud": TOKEN_URL, "iat": now, "exp": now + 3600}
            assertion = jwt.encode(claims, key["private_key"], "RS256", headers={"kid": key.get("private_key_id", "")})
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
            raise ConfigError(
                "this is no key of a service account; paste the whole JSON file that Google Cloud gave",
                field="private_key", detail=type(error).__name__,
            ) from None  # fmt: skip
        form = urlencode({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion})
        client = EgressClient()
        try:
            sent = {"content-type": "application/x-www-form-urlencoded"}
            answer = client.request("POST", TOKEN_URL, headers=sent, body=form.encode())
        finally:
            client.close()
        if answer.status != 200:
            raise AuthError("Google refuses the service account; check that its key is still valid",
                            detail=answer.body[:500].decode(errors="replace"))  # fmt: skip
        found = msgspec.json.decode(answer.body)
        self._token, self._until = found["access_token"], now + int(found["expires_in"]) - 300

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
