"""The HTTP API of Dropbox (v2), as much of it as files need."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from headrace.kits.files import drive_calls
from headrace.kits.files.drive_calls import Changed
from headrace.kits.files.drive_fs import Item, PathDriveFileSystem, moment
from headrace.kits.files.http_fs import Body
from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import Meaning
from headrace.sdk import TransientError
from headrace.sdk.egress_http import Answer

BLOCK = 4 * 2**20
"""Dropbox makes a content's digest from those of its blocks."""


class DropboxFileSystem(PathDriveFileSystem):
    """A Dropbox. A file is read by its revision, so that all of it is of one.

    Args:
        endpoint: Address of the service.
        content: Address where contents come from and go to.
        sign_in: Credentials.
        namespace: What paths are below; empty is the person's own.
    """

    errors: ClassVar[dict[str, Meaning]] = {
        "409 too_many_write_operations": "transient", "409 reset": "transient", "409 no_write_permission": "auth",
    }  # fmt: skip

    def __init__(self, endpoint: str, content: str, sign_in: SignIn, namespace: str = "") -> None:
        self._content = f"{content.rstrip('/')}/2/files"
        super().__init__(f"{endpoint.rstrip('/')}/2/files", sign_in, [self._content])
        space = {".tag": "namespace_id", "namespace_id": namespace}
        self._space = {"dropbox-api-path-root": json.dumps(space)} if namespace else {}

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """The token, and the space that paths are in."""
        return super().sign(method, url, body, headers) | self._space

    def refused(self, answer: Answer, method: str) -> Exception:
        """The error of an answer; those of a call have the status 409 and a path of tags."""
        if answer.status == 409:
            said = self.told(answer)
            tags = str(said.get("error_summary", "")).split("/")
            if "incorrect_offset" in tags:
                return _Offset(said["error"])
            if tags[0] in {"lookup_failed", "closed"} and {"closed", "not_found"} & set(tags):
                return _Over()
            if "not_found" in tags:
                return FileNotFoundError(answer.url)
            if "conflict" in tags:
                return Changed("something else is there by now; start again")
        return super().refused(answer, method)

    def look(self, path: str) -> Item:
        """The item at a path; the uppermost folder has no facts."""
        if not path:
            return {"title": "", "type": "directory", "id": "", "size": 0, "mtime": None, "etag": ""}
        return _item(self.ask("POST", f"{self.base}/get_metadata", {"path": f"/{path}"}))

    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """What is right below a folder."""
        value = {"path": folder["name"].rstrip("/"), "limit": 2000, "include_non_downloadable_files": False}
        answer = self.ask("POST", f"{self.base}/list_folder", value)
        while True:
            yield [_item(one) for one in answer["entries"] if one[".tag"] in {"file", "folder"}]
            if not answer["has_more"]:
                return
            answer = self.ask("POST", f"{self.base}/list_folder/continue", {"cursor": answer["cursor"]})

    def content(self, item: Item) -> tuple[str, dict[str, str]]:
        """A revision, which stays what it is."""
        value = _header({"path": f"rev:{item['etag']}"})
        return f"{self._content}/download?{urlencode({'arg': value})}", {}

    def make(self, folder: Item, name: str) -> Item:
        """Make a folder."""
        path = f"{folder['name'].rstrip('/')}/{name}"
        try:
            return _item(self.ask("POST", f"{self.base}/create_folder_v2", {"path": path})["metadata"] | _FOLDER)
        except Changed:
            return self.item(path)

    def put(self, folder: Item, name: str, old: Item | None, part: Path, *, guard: bool) -> None:
        """Put in one request, or by an upload session; what is not finished never shows."""
        path = f"{folder['name'].rstrip('/')}/{name}"
        mode = {".tag": "update", "update": old["etag"]} if old and guard else {".tag": "overwrite"}
        commit = {"path": path, "mode": mode, "autorename": False, "mute": True}
        size = part.stat().st_size
        if size <= drive_calls.PIECE_BYTES:
            self._send("upload", commit, part.read_bytes())
            return
        session = self.told(self._send("upload_session/start", {"close": False}))["session_id"]

        def send(at: int, piece: bytes) -> int | None:
            cursor = {"session_id": session, "offset": at}
            try:
                if piece:
                    self._send("upload_session/append_v2", {"cursor": cursor, "close": False}, piece, once=True)
                    return at + len(piece)
                self._send("upload_session/finish", {"cursor": cursor, "commit": commit}, once=True)
            except _Offset as error:
                return error.right
            except _Over:
                there = self.child(folder, name)
                if there is None or there["digest"] != _digest(part):
                    raise TransientError("the upload is over before its end; it is begun again") from None
            return None

        self.in_pieces(part, send, lambda at: at)

    def _send(self, call: str, value: Any, body: bytes = b"", *, once: bool = False) -> Answer:
        sent = {"content-type": "application/octet-stream", "dropbox-api-arg": _header(value)}
        return (self.once if once else self.call)("POST", f"{self._content}/{call}", headers=sent, body=body)

    def remove(self, item: Item) -> None:
        """Delete; it can be had back for a while."""
        self.ask("POST", f"{self.base}/delete_v2", {"path": item["name"]})


class _Offset(Exception):
    """Another piece is wanted: an answer was lost."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__()
        self.right = int(error.get("lookup_failed", error)["correct_offset"])


class _Over(Exception):
    """The session has ended."""


_FOLDER = {".tag": "folder"}


def _header(value: Any) -> str:
    """JSON that a header can hold."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def _item(one: Mapping[str, Any]) -> Item:
    changed = one.get("server_modified")
    return {
        "title": one["name"], "type": "file" if one[".tag"] == "file" else "directory", "id": one["id"],
        "size": one.get("size", 0), "mtime": moment(changed) if changed else None, "etag": one.get("rev", ""),
        "digest": one.get("content_hash", ""),
    }  # fmt: skip


def _digest(part: Path) -> str:
    """Dropbox's digest of a content."""
    whole = hashlib.sha256()
    with part.open("rb") as file:
        while block := file.read(BLOCK):
            whole.update(hashlib.sha256(block).digest())
    return whole.hexdigest()
