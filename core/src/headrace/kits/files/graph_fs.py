"""Drives of Microsoft Graph: those of OneDrive, and the libraries of SharePoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from headrace.kits.files import drive_calls
from headrace.kits.files.drive_calls import Changed
from headrace.kits.files.drive_fs import Item, PathDriveFileSystem, moment
from headrace.kits.files.graph import LOGIN, GraphConfig
from headrace.kits.http.auth import SignIn, by_person
from headrace.kits.http.parts import Meaning, OAuth2
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import ConfigError, TransientError
from headrace.sdk.host import ConnectionHost

FACTS = "id,name,size,eTag,cTag,createdDateTime,lastModifiedDateTime,file,folder,package,remoteItem"


def graph_sign_in(config: GraphConfig, host: Callable[[], ConnectionHost | None]) -> SignIn:
    """As who connected it, or as an app by itself.

    Raises:
        ConfigError: an app names no tenant.
    """
    if config.auth == "oauth2_code":
        return by_person(config, host)
    if config.tenant in {"common", "organizations", "consumers"}:
        raise ConfigError("an app by itself signs in to one tenant; enter its id or domain", field="tenant")
    place = urlsplit(config.endpoint)
    scope = f"{place.scheme}://{place.netloc}/.default"
    return SignIn(OAuth2(token_url=f"{LOGIN}/token", scope=scope, client_auth="form"), config, EgressClient())


class GraphFileSystem(PathDriveFileSystem):
    """One drive.

    Args:
        endpoint: Address of Graph.
        sign_in: Credentials.
        drive: Its address below the endpoint, as in `me/drive`.
    """

    pinned = False
    errors: ClassVar[dict[str, Meaning]] = {"423": "transient", "507": "config"}

    def __init__(self, endpoint: str, sign_in: SignIn, drive: str = "") -> None:
        super().__init__(endpoint, sign_in)
        self._drive = drive

    def place(self, path: str) -> tuple[str, str]:
        """The drive of a path, and the path in it."""
        return self._drive, path

    def look(self, path: str) -> Item:
        """The item at a path."""
        drive, inner = self.place(path)
        where = f"root:/{quote(inner)}" if inner else "root"
        return _item(drive, self.ask("GET", f"{self.base}/{drive}/{where}?$select={FACTS}"))

    def pages(self, folder: Item) -> Iterator[list[Item]]:
        """What is right below a folder; links to other drives and notebooks are left out."""
        url = f"{_by_id(self.base, folder)}/children?$top=200&$select={FACTS}"
        while url:
            answer = self.ask("GET", url)
            yield [_item(folder["drive"], one) for one in answer["value"] if _is_plain(one)]
            url = answer.get("@odata.nextLink", "")

    def content(self, item: Item) -> tuple[str, dict[str, str]]:
        """A link that is good for a few minutes, if the file is still the same."""
        now = self.ask("GET", _by_id(self.base, item))
        if now.get("cTag") != item["etag"]:
            raise Changed("the file was changed since it was looked at; start again", detail=item["name"])
        return now["@microsoft.graph.downloadUrl"], {}

    def make(self, folder: Item, name: str) -> Item:
        """Make a folder."""
        value = {"name": name, "folder": {}, "@microsoft.graph.conflictBehavior": "fail"}
        try:
            made = self.ask("POST", f"{_by_id(self.base, folder)}/children", value)
        except ConfigError as error:
            if error.details.get("status") != 409:
                raise
            return self.item(f"{folder['name']}/{name}")
        return _item(folder["drive"], made)

    def put(self, folder: Item, name: str, old: Item | None, part: Path, *, guard: bool) -> None:
        """Put in one request, or by an upload session; what is not finished never shows."""
        url = f"{_by_id(self.base, folder)}:/{quote(name, safe='')}:"
        same = {"if_match": old["etag"]} if old and guard else {}
        size = part.stat().st_size
        if not size or (size <= drive_calls.PIECE_BYTES and not guard):
            sent = {"content-type": "application/octet-stream", **({"if-match": old["etag"]} if old and guard else {})}
            self.call("PUT", f"{url}/content", headers=sent, body=part.read_bytes())
            return
        value = {"item": {"@microsoft.graph.conflictBehavior": "replace", "name": name}}
        place = self.ask("POST", f"{url}/createUploadSession", value, **same)["uploadUrl"]

        def where(_: int) -> int | None:
            try:
                return self._further(self.call("GET", place))
            except FileNotFoundError:
                self._whole(f"{folder['name']}/{name}", old, size)
                return None

        def send(at: int, piece: bytes) -> int | None:
            span = f"bytes {at}-{at + len(piece) - 1}/{size}"
            try:
                return self._further(self.once("PUT", place, headers={"content-range": span}, body=piece))
            except FileNotFoundError:
                self._whole(f"{folder['name']}/{name}", old, size)
                return None
            except ConfigError as error:
                if error.details.get("status") != 416:
                    raise
                return where(at)  # it has that piece

        self.in_pieces(part, send, where)

    def _further(self, answer: Answer) -> int | None:
        """Where an upload goes on; None when it is whole."""
        wanted = self.told(answer).get("nextExpectedRanges") or ()
        return int(wanted[0].partition("-")[0]) if wanted else None

    def _whole(self, path: str, old: Item | None, size: int) -> None:
        """A session ends with its file, and the answer that says so may be lost.

        Raises:
            TransientError: the file is not there.
        """
        there = self.child({"name": path.rpartition("/")[0]}, path.rpartition("/")[2])
        if there is None or there["size"] != size or (old is not None and there["etag"] == old["etag"]):
            raise TransientError("the upload is over before its end; it is begun again", detail=path)

    def remove(self, item: Item) -> None:
        """Delete; it goes to the recycle bin."""
        self.ask("DELETE", _by_id(self.base, item))


def _by_id(base: str, item: Mapping[str, Any]) -> str:
    place = "root" if item["id"] == "root" else f"items/{quote(item['id'], safe='')}"
    return f"{base}/{item['drive']}/{place}"


def _is_plain(one: Mapping[str, Any]) -> bool:
    return ("file" in one or "folder" in one) and "remoteItem" not in one and "package" not in one


def _item(drive: str, one: Mapping[str, Any]) -> Item:
    changed = moment(one["lastModifiedDateTime"]) if "lastModifiedDateTime" in one else None
    return {
        "title": one["name"], "type": "file" if "file" in one else "directory", "id": one["id"], "drive": drive,
        "size": one.get("size", 0), "mtime": changed, "etag": one.get("cTag", ""),
    }  # fmt: skip
