"""The API of Google Drive (v3), as much of it as files need: items by id, their names shown as paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec
from headrace.kits.files.drive_fs import DriveFileSystem, Item, moment
from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import Meaning
from headrace.sdk import ConfigError, TransientError
from headrace.sdk.egress_http import Answer

from headrace_connector_google_drive.names import EXPORTS, FOLDER, SHORTCUT, by_id, own_names, shown, told_apart

FACTS = "id,name,mimeType,size,modifiedTime,createdTime,md5Checksum,parents,trashed"


class GoogleDriveFileSystem(DriveFileSystem):
    """A folder of a drive.

    Args:
        endpoint: Address of the service.
        sign_in: Credentials.
        drive: Id of a shared drive; empty is My Drive.
        folder: Id of a folder in it; empty is all.
    """

    pinned = False
    errors: ClassVar[dict[str, Meaning]] = {
        "403 ateLimitExceeded": "transient", "403 storageQuotaExceeded": "config",
        "403 dailyLimitExceeded": "config", "403 exportSizeLimitExceeded": "data",
    }  # fmt: skip

    def __init__(self, endpoint: str, sign_in: SignIn, *, drive: str = "", folder: str = "") -> None:
        super().__init__(endpoint, sign_in)
        self._drive, self._top = drive, folder or drive or "root"

    def _url(self, path: str = "", **query: str) -> str:
        return f"{self.base}/drive/v3/files{path}?{urlencode({**query, 'supportsAllDrives': 'true'})}"

    def top(self) -> Item:
        """The connection's folder."""
        return self._by_id(self._top)

    def _by_id(self, key: str) -> Item:
        return _item(self.ask("GET", self._url(f"/{quote(key, safe='')}", fields=FACTS)))

    def _listed(self, folder: Item, more: str = "") -> Iterator[Item]:
        query = {
            "q": f"'{_quoted(folder['id'])}' in parents and trashed = false{more}", "pageSize": "1000",
            "fields": f"nextPageToken,files({FACTS})", "includeItemsFromAllDrives": "true",
            **({"corpora": "drive", "driveId": self._drive} if self._drive else {}),
        }  # fmt: skip
        while True:
            answer = self.ask("GET", self._url(**query))
            yield from (_item(one) for one in answer["files"] if one["mimeType"] != SHORTCUT)
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    def probe(self, path: str) -> None:
        """One page, however large the folder is."""
        next(self._listed(self.info(path)), None)

    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """All in one, since names that are there twice are told apart."""
        yield told_apart(self._listed(folder))

    def child(self, folder: Item, name: str) -> Item | None:
        """An item by its name.

        Raises:
            ConfigError: several have it.
        """
        key = by_id(name)
        if key:
            return next((item for item in told_apart(self._listed(folder)) if item["title"] == name), None)
        names = " or ".join(f"name = '{_quoted(one)}'" for one in own_names(name))
        found = list(self._listed(folder, f" and ({names})"))
        same = [item for item in found if item["title"] == name]
        if len(same) > 1:
            there = ", ".join(f"'{item['title']}'" for item in told_apart(same))
            raise ConfigError(f"there are {len(same)} items '{name}' in one folder; rename one, or choose of {there}",
                              field="stream")  # fmt: skip
        return same[0] if same else next(filter(None, (_exported(item, name) for item in found)), None)

    def content(self, item: Item) -> tuple[str, dict[str, str]]:
        """Its bytes; of a Google document, an export."""
        place = f"/{quote(item['id'], safe='')}"
        if item.get("export"):
            return self._url(f"{place}/export", mimeType=item["export"]), {}
        return self._url(place, alt="media"), {}

    def make(self, folder: Item, name: str) -> Item:
        """Make a folder. The id is asked for first, so that a repeat makes no other; of two at once the first stays."""
        key = self.ask("GET", self._url("/generateIds", count="1", space="drive"))["ids"][0]
        value = {"id": key, "name": name, "mimeType": FOLDER, "parents": [folder["id"]]}
        try:
            self.ask("POST", self._url(fields="id"), value)
        except ConfigError as error:
            if error.details.get("status") != 409:
                raise
        found = [item for item in self._listed(folder, f" and name = '{_quoted(name)}'") if item["title"] == name]
        first = min(found, key=lambda item: (item["made"], item["id"]), default=None)
        if first is None:  # lists may be late
            return self._by_id(key)
        if first["id"] != key:
            self.ask("DELETE", self._url(f"/{key}"))
        return first

    def put(self, folder: Item, name: str, old: Item | None, part: Path, *, guard: bool) -> None:
        """Put by a resumable upload; what is not finished never shows."""
        if old is not None and old.get("export"):
            raise ConfigError(f"'{name}' is a document of Google, which is not written; choose another name")
        size = part.stat().st_size
        where = f"/{quote(old['id'], safe='')}" if old else ""
        url = self._url(where, uploadType="resumable", fields="id").replace("/drive/v3/", "/upload/drive/v3/", 1)
        sent = {"content-type": "application/json; charset=UTF-8", "x-upload-content-length": str(size),
                "x-upload-content-type": "application/octet-stream"}  # fmt: skip
        value = {} if old else {"name": name, "parents": [folder["id"]]}
        begun = self.call("PATCH" if old else "POST", url, headers=sent, body=msgspec.json.encode(value))
        place = begun.headers["location"]

        def send(at: int, piece: bytes) -> int | None:
            span = f"bytes {at}-{at + len(piece) - 1}/{size}" if piece else f"bytes */{size}"
            try:
                return _further(self.once("PUT", place, headers={"content-range": span}, body=piece))
            except FileNotFoundError:
                raise TransientError("the upload is over before its end; it is begun again") from None

        self.in_pieces(part, send, lambda _: send(size, b""))

    def remove(self, item: Item) -> None:
        """Put into the trash: in a shared drive few may do more."""
        self.ask("PATCH", self._url(f"/{quote(item['id'], safe='')}", fields="id"), {"trashed": True})


def _further(answer: Answer) -> int | None:
    """Where an upload goes on; None when it is whole."""
    if answer.status != 308:
        return None
    span = answer.headers.get("range", "")
    return int(span.rpartition("-")[2]) + 1 if span else 0


def _quoted(text: str) -> str:
    """A text of the query language."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _item(one: Mapping[str, Any]) -> Item:
    kinds: Sequence[tuple[str, str]] = EXPORTS.get(one["mimeType"], ())
    changed, made = moment(one["modifiedTime"]), moment(one["createdTime"])
    return {
        "title": shown(one["name"], kinds), "type": "directory" if one["mimeType"] == FOLDER else "file",
        "id": one["id"], "size": None if kinds else int(one.get("size", 0)), "mtime": max(changed, made), "made": made,
        "etag": one.get("md5Checksum") or one["modifiedTime"], "export": kinds[0][1] if kinds else "",
        "kinds": kinds,
    }  # fmt: skip


def _exported(item: Item, name: str) -> Item | None:
    """A document of Google by the name of another of its formats."""
    if not item["kinds"]:
        return None
    stem = item["title"].removesuffix(item["kinds"][0][0])
    kind = next((mime for suffix, mime in item["kinds"] if f"{stem}{suffix}" == name), "")
    return {**item, "title": name, "export": kind} if kind else None
