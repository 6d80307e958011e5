"""The API of Box (2.0), as much of it as files need."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from urllib.parse import quote, urlencode

import msgspec
from headrace.kits.files.drive_calls import Changed
from headrace.kits.files.drive_fs import DriveFileSystem, Item, moment
from headrace.kits.files.http_fs import Body
from headrace.kits.http.auth import SignIn
from headrace.kits.http.pace import retry_after_s
from headrace.kits.http.parts import Meaning
from headrace.sdk import ConfigError, TransientError
from headrace.sdk.egress_http import Answer

FACTS = "id,type,name,size,etag,sha1,modified_at,file_version"
SESSION_BYTES = 20_000_000
"""Smaller files are put in one request; Box takes no upload session for them."""


class BoxFileSystem(DriveFileSystem):
    """A folder of an account. A file is read by its version, so that all of it is of one.

    Args:
        endpoint: Address of the service.
        uploads: Address where contents go to.
        sign_in: Credentials.
        folder: Id; 0 is all.
    """

    errors: ClassVar[dict[str, Meaning]] = {
        "403 storage_limit_exceeded": "config", "409 operation_blocked_temporary": "transient",
        "409 name_temporarily_reserved": "transient",
    }  # fmt: skip

    def __init__(self, endpoint: str, uploads: str, sign_in: SignIn, folder: str) -> None:
        super().__init__(endpoint, sign_in, [uploads])
        self._uploads, self._top = uploads.rstrip("/"), folder

    def once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body = b"",
        into: BinaryIO | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request; a content or a commit that Box is not ready with is no answer yet."""
        answer = super().once(method, url, headers=headers, body=body, into=into)
        if answer.status == 202:
            wait = retry_after_s(answer.headers.get("retry-after", ""))
            raise TransientError(f"'{self.host}' is not ready; it is asked again", retry_after_s=wait)
        return answer

    def top(self) -> Item:
        """The connection's folder."""
        return _item(self.ask("GET", f"{self.base}/folders/{self._top}?fields={FACTS}"))

    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """What is right below a folder."""
        query = {"fields": FACTS, "usemarker": "true", "limit": "1000"}
        while True:
            answer = self.ask("GET", f"{self.base}/folders/{quote(folder['id'])}/items?{urlencode(query)}")
            yield [_item(one) for one in answer["entries"] if one["type"] in {"file", "folder"}]
            query["marker"] = answer.get("next_marker") or ""
            if not query["marker"]:
                return

    def child(self, folder: Item, name: str) -> Item | None:
        """An item by its name, in any case of letters."""
        low = name.casefold()
        return next((item for page in self.pages(folder) for item in page if item["title"].casefold() == low), None)

    def content(self, item: Item) -> tuple[str, dict[str, str]]:
        """A version, which stays what it is; Box answers with a link."""
        return f"{self.base}/files/{quote(item['id'])}/content?version={quote(item['version'])}", {}

    def make(self, folder: Item, name: str) -> Item:
        """Make a folder."""
        try:
            return _item(self.ask("POST", f"{self.base}/folders", {"name": name, "parent": {"id": folder["id"]}}))
        except ConfigError as error:
            there = self.child(folder, name) if error.details.get("status") == 409 else None
            if there is None:
                raise
            return there

    def put(self, folder: Item, name: str, old: Item | None, part: Path, *, guard: bool) -> None:
        """Put in one request, or by an upload session; what is not finished never shows."""
        same = {"if-match": old["etag"]} if old and guard else {}
        size, digest = part.stat().st_size, _sha1(part)
        try:
            if size < SESSION_BYTES:
                self._whole(folder, name, old, part, same, digest.hex())
            else:
                self._session(folder, name, old, part, same, digest)
        except (Changed, ConfigError, FileNotFoundError) as error:
            if isinstance(error, ConfigError) and error.details.get("status") != 409:
                raise
            there = self.child(folder, name)
            if there is not None and there["sha1"] == digest.hex():
                return  # it was put, and the answer was lost
            raise Changed("something else is there by now; start again") from None

    def _whole(
        self, folder: Item, name: str, old: Item | None, part: Path, same: dict[str, str], digest: str
    ) -> None:  # fmt: skip
        facts = {"name": name, "parent": {"id": folder["id"]}}
        form, body = _form(facts, part)
        url = f"{self._uploads}/files/{quote(old['id'])}/content" if old else f"{self._uploads}/files/content"
        self.call("POST", url, headers={**form, "content-md5": digest, **same}, body=body)

    def _session(
        self, folder: Item, name: str, old: Item | None, part: Path, same: dict[str, str], digest: bytes
    ) -> None:  # fmt: skip
        size = part.stat().st_size
        value: dict[str, Any] = {"file_size": size, "file_name": name}
        where = f"{quote(old['id'])}/" if old else ""
        value |= {} if old else {"folder_id": folder["id"]}
        begun = self.ask("POST", f"{self._uploads}/files/{where}upload_sessions", value)
        url = f"{self._uploads}/files/upload_sessions/{quote(begun['id'])}"
        parts: list[dict[str, Any]] = []

        def send(at: int, piece: bytes) -> int | None:
            if not piece:
                sent = {"content-type": "application/json", "digest": _digest(digest), **same}
                self.once("POST", f"{url}/commit", headers=sent, body=msgspec.json.encode({"parts": parts}))
                return None
            sha = hashlib.sha1(piece, usedforsecurity=False).digest()
            sent = {"content-type": "application/octet-stream", "digest": _digest(sha),
                    "content-range": f"bytes {at}-{at + len(piece) - 1}/{size}"}  # fmt: skip
            parts.append(self.told(self.once("PUT", url, headers=sent, body=piece))["part"])
            return at + len(piece)

        def further(_: int) -> int | None:
            parts[:] = sorted(self._parts(url), key=lambda one: int(one["offset"]))
            return sum(int(one["size"]) for one in parts)

        self.in_pieces(part, send, further, step=int(begun["part_size"]))

    def _parts(self, url: str) -> Iterator[dict[str, Any]]:
        """Parts of an upload that have come."""
        at, more = 0, True
        while more:
            answer = self.ask("GET", f"{url}/parts?offset={at}&limit=1000")
            yield from answer["entries"]
            at += len(answer["entries"])
            more = bool(answer["entries"]) and at < int(answer["total_count"])

    def remove(self, item: Item) -> None:
        """Delete; it goes to the trash."""
        self.ask("DELETE", f"{self.base}/files/{quote(item['id'])}")


def _form(facts: Mapping[str, Any], part: Path) -> tuple[dict[str, str], Callable[[], Iterable[bytes]]]:
    """Headers and body of a form with the facts first, in pieces."""
    line = secrets.token_hex(16)
    head = (
        f'--{line}\r\ncontent-disposition: form-data; name="attributes"\r\ncontent-type: application/json\r\n\r\n'
        f'{json.dumps(facts)}\r\n--{line}\r\ncontent-disposition: form-data; name="file"; filename="file"\r\n'
        "content-type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{line}--\r\n".encode()

    def body() -> Iterator[bytes]:
        yield head
        with part.open("rb") as file:
            while piece := file.read(2**18):
                yield piece
        yield tail

    size = len(head) + part.stat().st_size + len(tail)
    return {"content-type": f"multipart/form-data; boundary={line}", "content-length": str(size)}, body


def _item(one: Mapping[str, Any]) -> Item:
    changed = one.get("modified_at")
    return {
        "title": one["name"], "type": "file" if one["type"] == "file" else "directory", "id": one["id"],
        "size": one.get("size") or 0, "mtime": moment(changed) if changed else None, "etag": one.get("etag") or "",
        "sha1": one.get("sha1", ""), "version": (one.get("file_version") or {}).get("id", ""),
    }  # fmt: skip


def _sha1(part: Path) -> bytes:
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha1").digest()


def _digest(sha: bytes) -> str:
    return f"sha={b64encode(sha).decode()}"
