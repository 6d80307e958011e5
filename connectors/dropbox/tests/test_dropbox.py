"""The contract over a fake of the Dropbox API (v2), built from its published description; and what is particular."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from headrace.kits.files.connector import FilesConnector
from headrace.sdk import TransientError
from headrace.testing.connector_base import rows
from headrace.testing.drive_rules import DriveContract
from headrace.testing.drives import Accident, DriveService, Node, Session
from headrace.testing.http_server import Asked, Reply, json_reply

FILES = "/2/files/"


class Dropbox(DriveService):
    """Calls by POST and JSON; contents by another host, with their arguments in a header or in the address."""

    bad_token = (400, {"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"})

    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self.namespace = ""
        self.cursors: dict[str, list[Node]] = {}
        self.revisions: dict[str, Node] = {}

    def error(self, *tags: str, status: int = 409, **more: Any) -> Reply:
        """The documents' shape: tags nested, and in one line with a random end."""
        inner: dict[str, Any] = {".tag": tags[-1], **more}
        for tag, outer in zip(tags[:0:-1], tags[-2::-1], strict=True):
            inner = {".tag": outer, outer: inner if len(inner) > 1 else {".tag": tag}}
        return json_reply({"error_summary": f"{'/'.join(tags)}/{'.' * secrets.randbelow(4)}", "error": inner}, status)

    def unauthorized(self) -> Reply:
        return self.error("expired_access_token", status=401)

    def busy(self) -> Reply:
        said = {"error_summary": "too_many_requests/..", "error": {"reason": {".tag": "too_many_requests"},
                                                                   "retry_after": 7}}  # fmt: skip
        return json_reply(said, 429, Retry_After="7")

    def _answer(self, asked: Asked) -> Reply:
        contents = {"download", "upload", "upload_session/start", "upload_session/append_v2", "upload_session/finish"}
        host = (self.other if asked.path.removeprefix(FILES) in contents else self.url).partition("//")[2]
        if not asked.path.endswith("/token"):
            self.must(asked.headers["host"] == host, f"{asked.path} is at another host")
        return super()._answer(Asked(asked.method, asked.path, asked.query, {**asked.headers, "host": ""}, asked.body))

    def route(self, asked: Asked) -> Reply:
        call = asked.path.removeprefix(FILES)
        space = json.loads(asked.headers.get("dropbox-api-path-root", "{}")).get("namespace_id", "")
        self.must(space == self.namespace, "the namespace")
        if call == "download":
            self.must(asked.method in {"GET", "POST"}, asked.method)
            return self.download(asked, json.loads(asked.query["arg"]))
        self.must(asked.method == "POST", asked.method)
        if call == "upload" or call.startswith("upload_session/"):
            self.must(asked.headers["content-type"] == "application/octet-stream", "contents are octets")
            header = asked.headers["dropbox-api-arg"]
            self.must(header.isascii(), "a header is ASCII")
            return getattr(self, call.replace("upload_session/", "session_"))(json.loads(header), asked.body)
        self.must(asked.headers["content-type"] == "application/json", "calls are JSON")
        return getattr(self, call.replace("/", "_"))(asked.json())

    def facts(self, node: Node) -> dict[str, Any]:
        path = self.shelf.path(node)
        same = {"name": node.name, "id": f"id:{node.key}", "path_lower": path.lower(), "path_display": path}
        if node.body is None:
            return {".tag": "folder", **same}
        rev = f"{node.version:09x}{node.key[:8].encode().hex()}"
        self.revisions[rev] = Node(node.key, node.name, node.parent, node.body, node.made, node.changed)
        blocks = node.body.read_bytes()
        digests = (hashlib.sha256(blocks[at : at + 4 * 2**20]).digest() for at in range(0, len(blocks), 4 * 2**20))
        at = f"{node.changed:%Y-%m-%dT%H:%M:%SZ}"
        return {
            ".tag": "file", **same, "client_modified": at, "server_modified": at, "rev": rev, "size": node.size,
            "is_downloadable": True, "content_hash": hashlib.sha256(b"".join(digests)).hexdigest(),
        }  # fmt: skip

    def get_metadata(self, said: dict[str, Any]) -> Reply:
        self.must(said["path"] and "//" not in said["path"], "the root folder is unsupported")
        node = self.shelf.at(said["path"])
        return json_reply(self.facts(node)) if node else self.error("path", "not_found")

    def list_folder(self, said: dict[str, Any]) -> Reply:
        self.must(set(said) <= {"path", "limit", "recursive", "include_non_downloadable_files"}, f"{said}")
        self.must(said["path"] != "/" and said["limit"] <= 2000, "the root is empty; at most 2,000")
        node = self.shelf.at(said["path"])
        if node is None:
            return self.error("path", "not_found")
        if node.body:
            return self.error("path", "not_folder")
        return self.listed(self.shelf.below(node.key))

    def list_folder_continue(self, said: dict[str, Any]) -> Reply:
        found = self.cursors.pop(said["cursor"], None)
        return self.error("reset") if found is None else self.listed(found)

    def listed(self, nodes: list[Node]) -> Reply:
        cursor = secrets.token_urlsafe(16)
        self.cursors[cursor] = nodes[self.page :]
        entries = [self.facts(node) for node in nodes[: self.page]]
        return json_reply({"entries": entries, "cursor": cursor, "has_more": len(nodes) > self.page})

    def download(self, asked: Asked, said: dict[str, Any]) -> Reply:
        node = self.revisions.get(said["path"].removeprefix("rev:"))
        return self.content(node, asked) if node else self.error("path", "not_found")

    def create_folder_v2(self, said: dict[str, Any]) -> Reply:
        if self.shelf.at(said["path"]):
            return self.error("path", "conflict", "folder")
        facts = self.facts(self.shelf.folder(said["path"]))
        facts.pop(".tag")
        return json_reply({"metadata": facts})

    def delete_v2(self, said: dict[str, Any]) -> Reply:
        node = self.shelf.at(said["path"])
        if node is None:
            return self.error("path_lookup", "not_found")
        facts = self.facts(node)
        self.shelf.remove(node)
        return json_reply({"metadata": facts})

    def commit(self, said: dict[str, Any], place: Path) -> Reply:
        self.must(set(said) <= {"path", "mode", "autorename", "mute"}, f"{said}")
        above, _, name = said["path"].rpartition("/")
        there = self.shelf.at(said["path"])
        mode = said["mode"]
        if there is not None and there.body is None:
            return self.error("path", "conflict", "folder")
        if mode[".tag"] == "update":
            same = there is not None and there.body is not None and there.body.read_bytes() == place.read_bytes()
            if there is None or (self.facts(there)["rev"] != mode["update"] and not same):
                return self.error("path", "conflict", "file")
        folder = self.shelf.folder(above)
        node = self.shelf.fill(there, place) if there else self.shelf.add(folder.key, name, place)
        facts = self.facts(node)
        facts.pop(".tag")
        return json_reply(facts)

    def upload(self, said: dict[str, Any], body: bytes) -> Reply:
        self.must(len(body) <= 150 * 2**20, "at most 150 MiB")
        place = self.shelf.fresh()
        place.write_bytes(body)
        return self.commit(said, place)

    def session_start(self, said: dict[str, Any], body: bytes) -> Reply:
        made = secrets.token_urlsafe(16)
        self.sessions[made] = Session(self.shelf.fresh())
        self.sessions[made].place.write_bytes(body)
        return json_reply({"session_id": made})

    def session_append_v2(self, said: dict[str, Any], body: bytes) -> Reply:
        session = self.sessions[said["cursor"]["session_id"]]
        if session.result:
            return self.error("closed")
        if said["cursor"]["offset"] != session.there:
            return self.error("incorrect_offset", correct_offset=session.there)
        session.add(body)
        return json_reply(None)

    def session_finish(self, said: dict[str, Any], body: bytes) -> Reply:
        session = self.sessions[said["cursor"]["session_id"]]
        if session.result:
            return self.error("lookup_failed", "closed")
        if said["cursor"]["offset"] != session.there:
            return self.error("lookup_failed", "incorrect_offset", correct_offset=session.there)
        reply = self.commit(said["commit"], session.place)
        session.result = {"done": reply.status == 200} if reply.status == 200 else {}
        return reply


class TestDropbox(DriveContract):
    connector_id = "dropbox"

    def made(self, disk: Path) -> Dropbox:
        return Dropbox(disk)

    def settings(self, service: DriveService) -> dict[str, Any]:
        return {
            "auth": "refresh_token", "client_id": "us", "client_secret": "s3cret-of-a-client",
            "refresh_token": service.refresh, "folder": f"/{self.start}", "endpoint": service.url,
            "content_endpoint": service.other, "token_url": f"{service.url}/oauth2/token",
        }  # fmt: skip

    def is_piece(self, asked: Asked) -> bool:
        return "upload_session/" in asked.path and not asked.path.endswith("start")

    def large(self, monkeypatch: pytest.MonkeyPatch) -> int:
        return super().large(monkeypatch) * 3 // 5  # two pieces, then the finish

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "refresh_token": "s3cret-and-wrong"}

    def test_the_whole_dropbox_is_a_folder(self, config: dict[str, Any], service: DriveService) -> None:
        service.shelf.put("top.csv", b"id\n1\n")
        opened = self.entry().open({**config, "folder": ""})
        opened.check()
        assert rows(opened, opened.stream("top.csv")) == [{"id": 1}]
        assert "in it/cities.csv" in {facts.path for facts in opened.files("**")}
        opened.close()

    def test_a_namespace_goes_with_each_call(self, config: dict[str, Any], service: Dropbox) -> None:
        service.namespace = "2907"
        opened = self.entry().open({**config, "namespace": "2907"})
        assert len(rows(opened, opened.stream("cities.csv"))) == 3
        opened.close()

    def test_a_file_is_read_as_it_was(
        self, connector: FilesConnector[Any], service: DriveService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service.shelf.put(f"{self.start}/big.bin", b"a" * 3 * 2**18)
        put = lambda _: service.shelf.put(f"{self.start}/big.bin", b"b" * 10)  # noqa: E731
        monkeypatch.setattr("time.sleep", put)
        connector.check()
        service.cut_after = 2**18
        connector.fs.get_file(self.at(connector, "big.bin"), str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == b"a" * 3 * 2**18

    def test_dropbox_itself_compares_when_it_is_appended(
        self, connector: FilesConnector[Any], service: Dropbox
    ) -> None:
        """Between our look and the upload somebody else puts another revision."""
        import polars as pl

        service.shelf.put(f"{self.start}/log.csv", b"id\n1\n")
        put = lambda asked: asked.path.endswith("/upload") and service.shelf.put(f"{self.start}/log.csv", b"id\n9\n")  # noqa: E731
        service.accidents = [Accident(lambda asked: bool(put(asked)) and False)]
        with pytest.raises(TransientError, match="changed by somebody else"):
            connector.write("log.csv", iter([pl.DataFrame({"id": [2]})]), mode="append")
        assert self.body(service, "log.csv") == b"id\n9\n"
        service.accidents.clear()
