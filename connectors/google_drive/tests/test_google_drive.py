"""The contract over a fake of the Drive API v3, built from Google's reference; and what is particular to Drive."""

from __future__ import annotations

import json
import re
import secrets
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from headrace.kits.files.connector import FilesConnector
from headrace.sdk import ConfigError, DataError
from headrace.testing.connector_base import rows
from headrace.testing.drive_rules import DriveContract
from headrace.testing.drives import Accident, DriveService, Node, Session, span_of, stamp
from headrace.testing.http_server import Asked, Reply, json_reply

FILES, UPLOAD = "/drive/v3/files", "/upload/drive/v3/files"
FOLDER = "application/vnd.google-apps.folder"
SHEET, DOC = "application/vnd.google-apps.spreadsheet", "application/vnd.google-apps.document"
EMAIL = "flows@project.iam.gserviceaccount.com"
SLASH = "\uff0f"
DRIVE = "0ADriveOfTheTeamXXXXXX"


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def account() -> str:
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {"type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": pem.decode()}
    return json.dumps(key)


class Drive(DriveService):
    """Drive v3. Names are free: a folder may hold one twice."""

    start = "in it"

    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self.shared, self.subject, self.late = False, None, False
        self.exports: dict[str, dict[str, bytes]] = {}

    def grant(self, form: dict[str, str]) -> bool:
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return False
        said = jwt.decode(form["assertion"], private_key().public_key(), ["RS256"], audience=f"{self.url}/token")
        self.must(said["iss"] == EMAIL and said["scope"] == "https://www.googleapis.com/auth/drive", f"{said}")
        self.must(said["exp"] - said["iat"] <= 3600 and abs(said["iat"] - time.time()) < 60, "at most an hour")
        self.must(said.get("sub") == self.subject, "who it acts as")
        return True

    def error(self, status: int, reason: str, message: str, **headers: str) -> Reply:
        one = {"domain": "global", "reason": reason, "message": message}
        return json_reply({"error": {"errors": [one], "code": status, "message": message}}, status, **headers)

    def unauthorized(self) -> Reply:
        said = "Request had invalid authentication credentials."
        return self.error(401, "authError", said)

    def busy(self) -> Reply:
        return self.error(429, "rateLimitExceeded", "Rate Limit Exceeded", Retry_After="7")

    def missing(self, key: str) -> Reply:
        return self.error(404, "notFound", f"File not found: {key}.")

    def route(self, asked: Asked) -> Reply:
        place, _, key = asked.path.partition("/files")
        key, _, verb = key.strip("/").partition("/")
        if place == "/upload/drive/v3":
            return self.upload(asked, key)
        self.must(place == "/drive/v3", asked.path)
        if key == "generateIds":
            self.only(asked, "count", "space", "type", "supportsAllDrives")
            return json_reply({"kind": "drive#generatedIds", "space": "drive", "ids": [secrets.token_urlsafe(24)]})
        self.must(asked.query.get("supportsAllDrives") == "true", "shared drives are asked for")
        if not key:
            return self.listed(asked) if asked.method == "GET" else self.created(asked)
        node = self.shelf.nodes.get(self.shelf.top if key in {"root", DRIVE} else key)
        if node is None:
            return self.missing(key)
        if asked.method == "GET":
            return self.exported(asked, node) if verb == "export" else self.got(asked, node)
        if asked.method == "DELETE":
            self.shelf.remove(node)
            return Reply(b"", 204)
        self.must(asked.method == "PATCH" and asked.json() == {"trashed": True}, f"{asked.method} {asked.body!r}")
        self.shelf.remove(node)
        return json_reply({"id": node.key})

    def facts(self, node: Node, fields: str) -> dict[str, Any]:
        folder = node.body is None and not node.kind
        every = {
            "id": node.key, "name": node.name, "mimeType": FOLDER if folder else node.kind or "text/csv",
            "parents": [node.parent], "createdTime": stamp(node.made), "modifiedTime": stamp(node.changed),
            "trashed": False, "version": str(node.version), "kind": "drive#file",
            **({"size": str(node.size), "md5Checksum": f"{hash(node.body)}"} if node.body else {}),
        }  # fmt: skip
        return {name: every[name] for name in fields.split(",") if name in every}

    def got(self, asked: Asked, node: Node) -> Reply:
        self.only(asked, "fields", "alt", "supportsAllDrives", "acknowledgeAbuse")
        if asked.query.get("alt") != "media":
            return json_reply(self.facts(node, asked.query.get("fields", "kind,id,name,mimeType")))
        if node.kind:
            return self.error(403, "fileNotDownloadable", "Only files with binary content can be downloaded.")
        return self.content(node, asked)

    def exported(self, asked: Asked, node: Node) -> Reply:
        self.only(asked, "mimeType", "supportsAllDrives")
        found = self.exports[node.key].get(asked.query["mimeType"])
        if found is None:
            return self.error(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
        return Reply([found])

    def listed(self, asked: Asked) -> Reply:
        self.only(asked, "q", "pageSize", "fields", "includeItemsFromAllDrives", "corpora", "driveId", "pageToken",
                  "supportsAllDrives")  # fmt: skip
        self.must((asked.query.get("driveId"), asked.query.get("corpora"))
                  == ((DRIVE, "drive") if self.shared else (None, None)), "the drive is named")  # fmt: skip
        self.must(int(asked.query["pageSize"]) <= 1000, "pages have up to 1,000 items")
        text = r"'((?:[^'\\]|\\.)*)'"
        query = asked.query["q"]
        said = re.fullmatch(rf"{text} in parents and trashed = false(?: and \((.*)\)| and (name = {text}))?", query)
        assert said, query
        key = self.shelf.top if said[1] == "root" else plain(said[1])
        if key not in self.shelf.nodes:
            return self.missing("")
        names = [plain(one) for one in re.findall(rf"name = {text}", said[2] or said[3] or "")]
        found = [node for node in self.shelf.below(key) if not names or node.name in names]
        at = int(asked.query.get("pageToken", "0").removeprefix("~!!~"))
        fields = re.fullmatch(r"nextPageToken,files\((.*)\)", asked.query["fields"])
        assert fields
        more = {"nextPageToken": f"~!!~{at + self.page}"} if len(found) > at + self.page else {}
        return json_reply({**more, "files": [self.facts(node, fields[1]) for node in found[at : at + self.page]]})

    def created(self, asked: Asked) -> Reply:
        said = asked.json()
        self.must(said["mimeType"] == FOLDER and len(said["parents"]) == 1, f"{said}")
        if said["id"] in self.shelf.nodes:
            return self.error(409, "fileIdInUse", "A file already exists with the provided ID.")
        node = self.shelf.add(said["parents"][0], said["name"], None, key=said["id"])
        return json_reply(self.facts(node, "id"))

    def upload(self, asked: Asked, key: str) -> Reply:
        session = self.sessions.get(asked.query.get("upload_id", ""))
        if asked.method == "PUT":
            return self.piece(asked, session) if session else self.missing("")
        self.only(asked, "uploadType", "fields", "supportsAllDrives")
        self.must(asked.query["uploadType"] == "resumable" and asked.query["supportsAllDrives"] == "true", "resumable")
        self.must(asked.method == ("PATCH" if key else "POST"), "a new file is posted, another one is patched")
        if (key and key not in self.shelf.nodes) or (not key and asked.json()["parents"][0] not in self.shelf.nodes):
            return self.missing(key)
        made = secrets.token_urlsafe(8)
        facts = {**asked.json(), "key": key, "fields": asked.query["fields"]}
        size = int(asked.headers["x-upload-content-length"])
        self.sessions[made] = Session(self.shelf.fresh(), size, facts=facts)
        return Reply(b"", 200, {"location": f"{self.url}{asked.path}?uploadType=resumable&upload_id={made}"})

    def piece(self, asked: Asked, session: Session) -> Reply:
        first, last, size = span_of(asked)
        self.must(size == session.size, "the size is the same in each request")
        if session.result:
            return json_reply(session.result)
        if asked.body:
            self.must(first == session.there and last - first + 1 == len(asked.body), f"{asked.headers}")
            self.must(last + 1 == size or len(asked.body) % 2**18 == 0, "pieces are multiples of 256 KiB")
            session.add(asked.body)
        if session.there < size:
            span = {"range": f"bytes=0-{session.there - 1}"} if session.there else {}
            return Reply(b"", 308, span)
        session.place.touch()
        said = session.facts
        node = (
            self.shelf.fill(self.shelf.nodes[said["key"]], session.place)
            if said["key"]
            else self.shelf.add(said["parents"][0], said["name"], session.place)
        )
        session.result = self.facts(node, said["fields"])
        return json_reply(session.result)


def plain(text: str) -> str:
    """A text of the query language, without its signs."""
    return re.sub(r"\\(.)", r"\1", text)


class TestGoogleDrive(DriveContract):
    connector_id = "google_drive"

    def made(self, disk: Path) -> Drive:
        return Drive(disk)

    def settings(self, service: DriveService) -> dict[str, Any]:
        return {
            "auth": "service_account", "private_key": account(), "folder": service.shelf.folder(self.start).key,
            "endpoint": service.url, "token_url": f"{service.url}/token",
        }  # fmt: skip

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "folder": "1NoSuchFolderAnywhere"}

    def test_names_that_are_there_twice_are_told_apart(self, connector: FilesConnector[Any], service: Drive) -> None:
        above = service.shelf.folder(f"{self.start}/twice").key
        keys = []
        for text in (b"id\n1\n", b"id\n2\n"):
            place = service.shelf.fresh()
            place.write_bytes(text)
            keys.append(service.shelf.add(above, "a.csv", place).key)
        assert {facts.path for facts in connector.files("twice/*")} == {f"twice/a ({key}).csv" for key in keys}
        assert rows(connector, connector.stream(f"twice/a ({keys[1]}).csv")) == [{"id": 2}]
        assert sorted(row["id"] for row in rows(connector, connector.stream("twice/*.csv"))) == [1, 2]
        with pytest.raises(ConfigError, match=rf"there are 2 items 'a\.csv' in one folder.*{keys[0]}"):
            connector.stream("twice/a.csv")
        import polars as pl

        with pytest.raises(ConfigError, match="there are 2 items"):
            connector.write("twice/a.csv", iter([pl.DataFrame({"id": [3]})]), mode="overwrite")
        connector.write(f"twice/a ({keys[0]}).csv", iter([pl.DataFrame({"id": [3]})]), mode="append")
        assert service.shelf.nodes[keys[0]].body.read_bytes() == b"id\n1\n3\n"

    def test_folders_that_are_there_twice_are_both_read(self, connector: FilesConnector[Any], service: Drive) -> None:
        above = service.shelf.folder(self.start).key
        for number in range(2):
            folder = service.shelf.add(above, "2026", None)
            place = service.shelf.fresh()
            place.write_bytes(f"id\n{number}\n".encode())
            service.shelf.add(folder.key, "x.csv", place)
        assert sorted(row["id"] for row in rows(connector, connector.stream("2026*/x.csv"))) == [0, 1]

    def test_a_slash_in_a_name_is_shown(self, connector: FilesConnector[Any], service: Drive) -> None:
        place = service.shelf.fresh()
        place.write_bytes(b"id\n1\n")
        service.shelf.add(service.shelf.folder(f"{self.start}/odd").key, "a/b.csv", place)
        assert [facts.path for facts in connector.files("odd/*")] == [f"odd/a{SLASH}b.csv"]
        assert rows(connector, connector.stream(f"odd/a{SLASH}b.csv")) == [{"id": 1}]

    def test_sheets_and_docs_are_exported(self, connector: FilesConnector[Any], service: Drive) -> None:
        import polars as pl

        above = service.shelf.folder(f"{self.start}/office").key
        sheet = service.shelf.add(above, "Sales", None, kind=SHEET)
        doc = service.shelf.add(above, "Notes", None, kind=DOC)
        book = service.shelf.disk / "book.xlsx"
        pl.DataFrame({"id": [1, 2]}).write_excel(book)
        office = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        service.exports = {sheet.key: {office: book.read_bytes(), "text/csv": b"id\n1\n2\n"},
                           doc.key: {"text/plain": b"line\none\n"}}  # fmt: skip
        assert {facts.path for facts in connector.files("office/*")} == {"office/Sales.xlsx", "office/Notes.docx"}
        for name in ("office/Sales.xlsx", "office/Sales.csv", "office"):
            assert rows(connector, connector.stream(name)) == [{"id": 1}, {"id": 2}]
        assert rows(connector, connector.stream("office/Notes.txt")) == [{"line": "one"}]
        with pytest.raises(DataError, match="too large to be exported"):
            connector.stream("office/Sales.tsv")
        with pytest.raises(ConfigError, match="is a document of Google"):
            connector.write("office/Sales.csv", iter([pl.DataFrame({"id": [3]})]), mode="overwrite")

    def test_a_shared_drive_is_named_in_each_list(self, config: dict[str, Any], service: Drive) -> None:
        service.shared = True
        service.shelf.put("top.csv", b"id\n1\n")
        opened = self.entry().open({**config, "drive": DRIVE, "folder": ""})
        opened.check()
        assert rows(opened, opened.stream("top.csv")) == [{"id": 1}]
        opened.close()

    def test_it_acts_as_a_user(self, config: dict[str, Any], service: Drive) -> None:
        service.subject = "ada@example.org"
        opened = self.entry().open({**config, "user": "ada@example.org"})
        opened.check()
        opened.close()

    def test_a_limit_that_comes_as_403_is_waited_for(
        self, connector: FilesConnector[Any], service: Drive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.sleep", lambda _: None)
        busy = service.error(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        service.accidents = [Accident(lambda _: True, busy) for _ in range(3)]
        connector.check()

    def test_a_folder_is_made_once_when_the_answer_is_lost(
        self, connector: FilesConnector[Any], service: Drive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import polars as pl

        monkeypatch.setattr("time.sleep", lambda _: None)
        hits = lambda asked: asked.method == "POST" and asked.path == FILES  # noqa: E731
        service.accidents = [Accident(hits, done=True)]
        connector.write("fresh/x.csv", iter([pl.DataFrame({"id": [1]})]), mode="overwrite")
        assert not service.accidents
        above = service.shelf.folder(self.start).key
        assert [node.name for node in service.shelf.below(above)].count("fresh") == 1

    def test_of_two_folders_made_at_once_one_stays(self, connector: FilesConnector[Any], service: Drive) -> None:
        import polars as pl

        above = service.shelf.folder(self.start).key
        created = service.created

        def both(asked: Asked) -> Reply:
            service.shelf.add(above, "fresh", None)
            return created(asked)

        service.created = both  # type: ignore[method-assign]
        connector.write("fresh/x.csv", iter([pl.DataFrame({"id": [1]})]), mode="overwrite")
        assert [node.name for node in service.shelf.below(above)].count("fresh") == 1
        assert self.body(service, "fresh/x.csv") == b"id\n1\n"
