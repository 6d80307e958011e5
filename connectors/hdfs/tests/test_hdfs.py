"""The contract over a small stand-in of WebHDFS: one process is name node and data node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from headrace.testing.files import FilesContract, sample_files
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply

FILES = dict[str, bytes]


def status(files: FILES, path: str) -> dict[str, Any] | None:
    if path in files:
        return {"type": "FILE", "length": len(files[path]), "modificationTime": 1_700_000_000_000, "pathSuffix": ""}
    if path == "" or any(name.startswith(f"{path}/") for name in files):
        return {"type": "DIRECTORY", "length": 0, "modificationTime": 0, "pathSuffix": ""}
    return None


def answers(files: FILES, asked: Asked) -> Reply:
    from urllib.parse import unquote

    path = unquote(asked.path.removeprefix("/webhdfs/v1")).rstrip("/")
    op = asked.query["op"]
    if asked.query.get("user.name") != "ada":
        return json_reply({"RemoteException": {"message": "who are you"}}, 401)
    found = status(files, path)
    if op == "CREATE" and "noredirect" in asked.query:
        host = asked.headers["host"]
        return json_reply(
            {"Location": f"http://{host}/webhdfs/v1{asked.path.removeprefix('/webhdfs/v1')}?op=CREATE&user.name=ada"}
        )
    if op == "CREATE":
        files[path] = asked.body
        return Reply(b"", 201)
    if op == "MKDIRS":
        return json_reply({"boolean": True})
    if found is None:
        return json_reply({"RemoteException": {"message": "File does not exist"}}, 404)
    if op == "GETFILESTATUS":
        return json_reply({"FileStatus": found})
    if op == "LISTSTATUS":
        below = sorted({name[len(path) + 1 :].partition("/")[0] for name in files if name.startswith(f"{path}/")})
        entries = [{**(status(files, f"{path}/{name}") or {}), "pathSuffix": name} for name in below] or [found]
        return json_reply({"FileStatuses": {"FileStatus": entries}})
    if op == "OPEN":
        start = int(asked.query.get("offset", 0))
        return Reply(files[path][start : start + int(asked.query.get("length", 2**40))])
    if op == "RENAME":
        files[asked.query["destination"]] = files.pop(path)
    if op == "DELETE":
        del files[path]
    return json_reply({"boolean": True})


class TestHdfs(FilesContract):
    connector_id = "hdfs"

    @pytest.fixture
    def cluster(self) -> Iterator[HttpServer]:
        self._files: FILES = {}
        with http_server(lambda asked: answers(self._files, asked)) as server:
            yield server

    @pytest.fixture
    def config(self, cluster: HttpServer) -> dict[str, Any]:
        for name, body in sample_files().items():
            self._files[f"/data/{name}"] = body
        return {"url": cluster.url, "folder": "/data", "user": "ada"}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "user": "nobody"}

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        self._files[f"/data/{name}"] = body


def test_the_stand_in_speaks_as_the_documents_say() -> None:
    files = {"/data/a": b"xyz"}
    asked = Asked("GET", "/webhdfs/v1/data", {"op": "LISTSTATUS", "user.name": "ada"}, {}, b"")
    body = answers(files, asked).body
    assert isinstance(body, bytes)
    assert msgspec.json.decode(body)["FileStatuses"]["FileStatus"][0]["pathSuffix"] == "a"
