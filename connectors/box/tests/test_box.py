"""The contract over a fake of the Box API, each request and answer of which is held against Box's OpenAPI document."""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import time
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from headrace.kits.files.connector import FilesConnector
from headrace.sdk import ConfigError, TransientError
from headrace.testing.drive_rules import DriveContract
from headrace.testing.drives import Accident, DriveService, Node, Session, span_of
from headrace.testing.http_server import Asked, Reply, json_reply
from headrace.testing.openapi_contract import OpenApiContract, form_file
from openapi_schema_validator import OAS30Validator

PART = 8 * 2**20
ENTERPRISE = "1234567"
DOCUMENT = Path(__file__).parent / "openapi.json.gz"


@cache
def contract() -> OpenApiContract:
    """Box's document, cut to what files need. Its texts name codes of errors that its list of them has not."""
    document = json.loads(gzip.decompress(DOCUMENT.read_bytes()))
    document["components"]["schemas"]["ClientError"]["properties"]["code"].pop("enum")
    return OpenApiContract(document, OAS30Validator)


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def app_settings(secret: str = "s3cret-of-an-app") -> str:
    locked = serialization.BestAvailableEncryption(b"pass-phrase")
    pem = private_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    auth = {"publicKeyID": "k1", "privateKey": pem.decode(), "passphrase": "pass-phrase"}
    app = {"clientID": "us", "clientSecret": secret, "appAuth": auth}
    return json.dumps({"boxAppSettings": app, "enterpriseID": ENTERPRISE})


class Box(DriveService):
    """Folders and files by id; names are unique in any case of letters."""

    part = PART
    bad_token = (400, {"error": "invalid_client", "error_description": "The client credentials are invalid"})

    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self.ids: dict[str, str] = {}
        self.subject = ("enterprise", ENTERPRISE)
        self.links: dict[str, Node] = {}
        self.versions: dict[str, Node] = {}
        self.unready = 0

    def number(self, node: Node) -> str:
        """Ids are numbers."""
        return "0" if node.key == self.shelf.top else self.ids.setdefault(node.key, str(11_000_000 + len(self.ids)))

    def node(self, number: str) -> Node | None:
        return next((node for node in self.shelf.nodes.values() if self.number(node) == number), None)

    def grant(self, form: dict[str, str]) -> bool:
        if form.get("client_secret") != "s3cret-of-an-app":
            return False
        url = f"{self.url}/oauth2/token"
        said = jwt.decode(form["assertion"], private_key().public_key(), ["RS512"], audience=url)
        self.must(said["iss"] == form["client_id"] == "us" and len(said["jti"]) >= 16, f"{said}")
        self.must((said["box_sub_type"], said["sub"]) == self.subject, f"{said}")
        self.must(said["exp"] - time.time() <= 60, "at most a minute")
        self.must(jwt.get_unverified_header(form["assertion"])["kid"] == "k1", "the key is named")
        return True

    def error(self, status: int, code: str, message: str, **headers: str) -> Reply:
        said = {"type": "error", "status": status, "code": code, "message": message,
                "request_id": secrets.token_hex(8), "help_url": "https://developer.box.com/guides"}  # fmt: skip
        return json_reply(said, status, **headers)

    def unauthorized(self) -> Reply:
        said = 'Bearer realm="Service", error="invalid_token", error_description="The access token is invalid."'
        return Reply(b"", 401, {"www-authenticate": said})

    def busy(self) -> Reply:
        return self.error(429, "rate_limit_exceeded", "Request rate limit exceeded", Retry_After="7")

    def missing(self) -> Reply:
        return self.error(404, "not_found", "Not Found")

    def _answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/2.0" if asked.path.startswith("/api/2.0") else "/2.0")
        reply: Reply | None = None
        try:
            reply = super()._answer(asked)
            return reply
        finally:
            if not asked.path.startswith("/dl"):
                self.wrong.extend(contract().wrong(asked, path, reply))

    def route(self, asked: Asked) -> Reply:
        uploads = asked.path.startswith("/api/2.0/")
        kind, *rest = asked.path.removeprefix("/api/2.0/" if uploads else "/2.0/").split("/")
        self.must(
            uploads == ((asked.method in {"POST", "PUT"} and kind == "files") or "upload_sessions" in rest), "host"
        )
        if "upload_sessions" in rest:
            return self.upload(asked, rest)
        if not rest:
            return self.created(asked)
        if rest == ["content"]:
            return self.posted(asked, None)
        node = self.node(rest[0])
        if node is None or (node.body is None) != (kind == "folders"):
            return self.missing()
        match asked.method, rest[1:]:
            case "GET", []:
                return json_reply(self.facts(node))
            case "GET", ["items"]:
                return self.listed(asked, node)
            case "GET", ["content"]:
                return self.linked(asked)
            case "POST", ["content"]:
                return self.posted(asked, node)
            case "DELETE", []:
                self.shelf.remove(node)
                return Reply(b"", 204)
        return self.refuse(asked)

    def facts(self, node: Node) -> dict[str, Any]:
        changed = f"{node.changed:%Y-%m-%dT%H:%M:%S}-08:00" if node.key != self.shelf.top else None
        same = {"id": self.number(node), "name": node.name, "etag": str(node.version), "modified_at": changed}
        if node.body is None:
            return {"type": "folder", **same, "etag": same["etag"] if changed else None, "size": 0}
        with node.body.open("rb") as file:
            sha1, version = hashlib.file_digest(file, "sha1").hexdigest(), f"{node.version}{same['id']}"
        self.versions[version] = Node(node.key, node.name, node.parent, node.body, node.made, node.changed)
        held = {"id": version, "type": "file_version", "sha1": sha1}
        return {"type": "file", **same, "size": node.size, "sha1": sha1, "file_version": held}

    def listed(self, asked: Asked, node: Node) -> Reply:
        self.must(asked.query["usemarker"] == "true" and int(asked.query["limit"]) <= 1000, "by markers")
        at = int(asked.query.get("marker", "m0")[1:])
        found = self.shelf.below(node.key)
        more = f"m{at + self.page}" if len(found) > at + self.page else None
        link = {"type": "web_link", "id": "77", "name": "a link", "url": "https://box.com", "sequence_id": "0"}
        entries = [self.facts(one) for one in found[at : at + self.page]] + ([] if at else [link])
        return json_reply({"entries": entries, "limit": 1000, "next_marker": more})

    def linked(self, asked: Asked) -> Reply:
        node = self.versions.get(asked.query["version"])
        if node is None:
            return self.missing()
        if self.unready:
            self.unready -= 1
            return Reply(b"", 202, {"retry-after": "7"})
        made = secrets.token_urlsafe(12)
        self.links[made] = node
        return Reply(b"", 302, {"location": f"{self.other}/dl/{made}"})

    def fetched(self, asked: Asked) -> Reply:
        return self.content(self.links[asked.path.removeprefix("/dl/")], asked)

    def taken(self) -> Reply:
        return self.error(409, "item_name_in_use", "Item with the same name already exists")

    def created(self, asked: Asked) -> Reply:
        said = asked.json()
        above = self.node(said["parent"]["id"])
        if above is None:
            return self.missing()
        if self.shelf.child(above.key, said["name"]):
            return self.taken()
        return json_reply(self.facts(self.shelf.add(above.key, said["name"], None)), 201)

    def stale(self, asked: Asked, node: Node | None) -> bool:
        same = asked.headers.get("if-match")
        return same is not None and (node is None or same != str(node.version))

    def filled(self, place: Path, node: Node | None, parent: str, name: str) -> Reply:
        """A file, or a new version of one."""
        if node is not None:
            node = self.shelf.fill(node, place)
            return json_reply({"total_count": 1, "entries": [self.facts(node)]}, 200)
        above = self.node(parent)
        if above is None:
            return self.missing()
        if self.shelf.child(above.key, name):
            return self.taken()
        return json_reply({"total_count": 1, "entries": [self.facts(self.shelf.add(above.key, name, place))]}, 201)

    def posted(self, asked: Asked, node: Node | None) -> Reply:
        facts, body = form_file(asked)
        self.must(asked.headers["content-md5"] == hashlib.sha1(body).hexdigest(), "the digest is of the file")
        if self.stale(asked, node):
            return self.error(412, "precondition_failed", "The resource has been modified.")
        place = self.shelf.fresh()
        place.write_bytes(body)
        return self.filled(place, node, facts["parent"]["id"], facts["name"])

    def upload(self, asked: Asked, rest: list[str]) -> Reply:
        """Box wants 20 MB for a session; here any size may have one, so that tests are quick."""
        if rest[-1] == "upload_sessions":
            said = {**asked.json(), "node": self.node(rest[0]) if rest[0] != "upload_sessions" else None}
            if said["node"] is None and self.shelf.child(self.node(said["folder_id"]).key, said["file_name"]):
                return self.taken()
            made = secrets.token_hex(16).upper()
            self.sessions[made] = Session(self.shelf.fresh(), said["file_size"], facts=said)
            host = f"{self.url}/api/2.0/files/upload_sessions/{made}"
            ends = {"upload_part": host, "commit": f"{host}/commit", "list_parts": f"{host}/parts", "abort": host,
                    "status": host}  # fmt: skip
            count = -(-said["file_size"] // self.part)
            session = {"id": made, "type": "upload_session", "session_expires_at": "2026-03-02T12:00:00Z",
                       "part_size": self.part, "total_parts": count, "num_parts_processed": 0,
                       "session_endpoints": ends}  # fmt: skip
            return json_reply(session, 201)
        session = self.sessions.get(rest[1])
        if session is None:
            return self.missing()
        if rest[-1] == "parts":
            at, count = int(asked.query["offset"]), len(session.parts)
            entries = session.parts[at : at + self.page]
            return json_reply({"entries": entries, "total_count": count, "offset": at, "limit": self.page})
        return self.committed(asked, rest[1], session) if rest[-1] == "commit" else self.piece(asked, session)

    def piece(self, asked: Asked, session: Session) -> Reply:
        first, last, size = span_of(asked)
        sha = hashlib.sha1(asked.body)
        self.must(asked.headers["digest"] == f"sha={b64encode(sha.digest()).decode()}", "the digest is of the part")
        self.must(size == session.size and len(asked.body) == last - first + 1, "sizes agree")
        self.must(last + 1 == size or len(asked.body) == self.part, "parts have the size that was told")
        if first < session.there:
            return self.error(409, "range_overlaps_existing_range", "The part overlaps another one.")
        self.must(first == session.there, "this fake takes parts in order")
        session.add(asked.body)
        one = {"part_id": secrets.token_hex(4).upper(), "offset": first, "size": len(asked.body),
               "sha1": sha.hexdigest()}  # fmt: skip
        session.parts.append(one)
        return json_reply({"part": one})

    def committed(self, asked: Asked, key: str, session: Session) -> Reply:
        with session.place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha1").digest()
        self.must(b64decode(asked.headers["digest"].removeprefix("sha=")) == digest, "the digest is of the file")
        self.must(asked.json()["parts"] == session.parts and session.there == session.size, "all parts are named")
        if self.unready:
            self.unready -= 1
            return Reply(b"", 202, {"retry-after": "7"})
        said = session.facts
        if self.stale(asked, said["node"]):
            return self.error(412, "precondition_failed", "The resource has been modified.")
        reply = self.filled(session.place, said["node"], said.get("folder_id", ""), said["file_name"])
        del self.sessions[key]
        return Reply(reply.body, 201, reply.headers) if reply.status == 200 else reply


class TestBox(DriveContract):
    connector_id = "box"

    def made(self, disk: Path) -> Box:
        return Box(disk)

    def settings(self, service: DriveService) -> dict[str, Any]:
        assert isinstance(service, Box)
        return {
            "auth": "jwt", "private_key": app_settings(), "folder": service.number(service.shelf.folder(self.start)),
            "endpoint": f"{service.url}/2.0", "upload_endpoint": f"{service.url}/api/2.0",
            "token_url": f"{service.url}/oauth2/token",
        }  # fmt: skip

    def is_piece(self, asked: Asked) -> bool:
        return "/upload_sessions/" in asked.path and asked.method in {"PUT", "POST"}

    def large(self, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(Box, "part", 2**18)
        monkeypatch.setattr("headrace_connector_box.filesystem.SESSION_BYTES", 1)
        return 2**18 + 7  # two parts, then the commit

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "private_key": app_settings("s3cret-and-wrong")}

    @pytest.mark.parametrize("key", ["no json", "{}", '{"boxAppSettings": {"appAuth": {"privateKey": "none"}}}', "[1]"])
    def test_settings_that_are_none_are_told_without_showing_them(self, key: str, config: dict[str, Any]) -> None:
        opened = self.entry().open({**config, "private_key": key})
        with pytest.raises(ConfigError, match="no settings of an app") as caught:
            opened.check()
        assert key not in f"{caught.value.message} {caught.value.detail}"
        opened.close()

    def test_it_acts_as_a_user(self, config: dict[str, Any], service: Box) -> None:
        service.subject = ("user", "4711")
        opened = self.entry().open({**config, "user": "4711"})
        opened.check()
        opened.close()

    def test_what_is_not_ready_is_asked_for_again(
        self, connector: FilesConnector[Any], service: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []
        monkeypatch.setattr("time.sleep", waits.append)
        body = secrets.token_bytes(self.large(monkeypatch))
        (tmp_path / "big").write_bytes(body)
        connector.check()
        service.unready = 2
        connector.fs.put_file(str(tmp_path / "big"), "/big.bin")
        service.unready = 2
        connector.fs.get_file("/big.bin", str(tmp_path / "back"))
        assert connector.fs.cat_file("/big.bin", 3, 9) == body[3:9]
        assert ((tmp_path / "back").read_bytes(), waits) == (body, [7] * 4)

    def test_box_itself_compares_on_an_append(self, connector: FilesConnector[Any], service: Box) -> None:
        """Between our look and the upload somebody else puts another version."""
        import polars as pl

        service.shelf.put(f"{self.start}/log.csv", b"id\n1\n")

        def meanwhile(asked: Asked) -> bool:
            if asked.path.endswith("/content") and asked.method == "POST":
                service.shelf.put(f"{self.start}/log.csv", b"id\n9\n")
            return False

        service.accidents = [Accident(meanwhile)]
        with pytest.raises(TransientError, match="changed by somebody else"):
            connector.write("log.csv", iter([pl.DataFrame({"id": [2]})]), mode="append")
        assert self.body(service, "log.csv") == b"id\n9\n"
        service.accidents.clear()

    @pytest.mark.parametrize("there", [False, True])
    def test_a_small_file_whose_answer_is_lost_is_there_once(
        self, there: bool, connector: FilesConnector[Any], service: Box, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("time.sleep", lambda _: None)
        if there:
            service.shelf.put(f"{self.start}/s.bin", b"old")
        (tmp_path / "s").write_bytes(b"new")
        hits = lambda asked: asked.path.endswith("/content") and asked.method == "POST"  # noqa: E731
        service.accidents = [Accident(hits, done=True)]
        connector.fs.put_file(str(tmp_path / "s"), "/s.bin", **({"same": "1"} if there else {}))
        assert (self.body(service, "s.bin"), service.accidents) == (b"new", [])


def test_the_document_refuses_what_it_does_not_know() -> None:
    """The check can fail: a parameter, a missing field, a wrong type and a status that Box has not."""
    asked = Asked("GET", "/2.0/folders/0/items", {"limit": "many", "colour": "red"}, {}, b"")
    reply = json_reply({"entries": [{"type": "file"}]}, 206)
    found = " ".join(contract().wrong(asked, "/folders/0/items", reply))
    assert all(word in found for word in ("'many' is not", "no parameter 'colour'", "no such status"))
    bad = json_reply({"entries": [{"type": "file", "id": 7}]}, 200)
    assert list(contract().wrong(Asked("GET", "", {}, {}, b""), "/folders/0/items", bad))
    made = Asked("POST", "", {}, {"content-type": "application/json"}, b'{"name": "x"}')
    assert "'parent' is a required" in " ".join(contract().wrong(made, "/folders", None))
