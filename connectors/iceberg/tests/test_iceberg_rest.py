"""Tables of a REST catalogue: PyIceberg's own catalogue behind its interface, with a server that says too much."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.testing.counterparts import free_port
from headrace.testing.lakes import CITIES, new_bucket
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest

LOUD = {"uri": "http://169.254.169.254/", "py-io-impl": "os.path", "auth": {"type": "custom", "impl": "os.system"},
        "rest.sigv4-enabled": "true", "s3.endpoint": "http://169.254.169.254/"}  # fmt: skip
"""What a server could say to have classes loaded, requests sent elsewhere, or keys of this machine used."""


class Handler(BaseHTTPRequestHandler):
    """As much of the interface as tables need."""

    catalog: ClassVar[SqlCatalog]
    seen: ClassVar[list[str]]
    broken: ClassVar[list[int]]
    lock = threading.Lock()

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def answer(self, status: int, body: Any = None) -> None:
        data = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if self.command != "HEAD" else b"")

    def handle_any(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.seen.append(f"{self.command} {path} {self.headers.get('authorization')}")
        if path == "/v1/oauth/tokens":
            ok = "client_secret=s3cret" in body and "client_id=me" in body
            self.answer(200 if ok else 401, {"access_token": "t0ken", "token_type": "bearer"} if ok else refused(401))
        elif self.headers.get("authorization") != "Bearer t0ken":
            self.answer(401, refused(401))
        elif self.broken and self.command == "POST":
            self.answer(self.broken[0], refused(self.broken.pop()))
        else:
            with self.lock:
                self.answer(*self.routed(unquote(path).removeprefix("/v1/").split("/"), body))

    do_GET = do_HEAD = do_POST = do_DELETE = handle_any  # noqa: N815 - the names of the library

    def routed(self, parts: list[str], body: str) -> tuple[int, Any]:
        catalog, write = self.catalog, self.command == "POST"
        if parts == ["config"]:
            return 200, {"defaults": LOUD, "overrides": LOUD}
        if parts == ["namespaces"] and write:
            catalog.create_namespace_if_not_exists(tuple(json.loads(body)["namespace"]))
            return 200, json.loads(body)
        if parts == ["namespaces"]:
            return 200, {"namespaces": [list(space) for space in catalog.list_namespaces()]}
        space = tuple(parts[1].split("\x1f"))
        if len(parts) == 2:
            return (200, {"namespace": space}) if catalog.namespace_exists(space) else (404, refused(404))
        if len(parts) == 3 and not write:
            found = [{"namespace": list(name[:-1]), "name": name[-1]} for name in catalog.list_tables(space)]
            return 200, {"identifiers": found}
        if len(parts) == 3:
            asked = json.loads(body)
            made = catalog._create_staged_table((*space, asked["name"]), Schema.model_validate(asked["schema"]))
            return 200, described(made)
        name = (*space, parts[3])
        if write:
            request = CommitTableRequest.model_validate_json(body)
            try:
                done: Any = catalog.commit_table(
                    SimpleNamespace(name=lambda: name), request.requirements, request.updates  # type: ignore[arg-type]
                )  # fmt: skip
            except CommitFailedException:
                return 409, refused(409)
            return 200, described(done)
        try:
            table = catalog.load_table(name)
        except NoSuchTableError:
            return 404, refused(404)
        return 200, described(table, LOUD | {"auth": ""})


def described(table: Any, said: Any = None) -> str:
    metadata = json.loads(table.metadata.model_dump_json())
    return json.dumps({"metadata-location": table.metadata_location, "metadata": metadata, "config": said or {}})


def refused(code: int) -> dict[str, Any]:
    return {"error": {"message": "no", "type": "Refused", "code": code}}


def served(tmp_path: Path, warehouse: str, **more: str) -> Iterator[Any]:
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/server.db", warehouse=warehouse, **more)
    handler = type("Served", (Handler,), {"catalog": catalog, "seen": [], "broken": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(uri=f"http://127.0.0.1:{server.server_port}/", handler=handler)
    server.shutdown()
    server.server_close()
    catalog.close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "lake").mkdir()
    yield from served(tmp_path, (tmp_path / "lake").as_uri())


def opened(server: Any, **more: Any) -> Any:
    config = {"root": "lake", "uri": server.uri, "client_id": "me", "client_secret": "s3cret", **more}
    return load_plugins(only=["connector-iceberg"], strict=True).registry.connector("iceberg").open(config)


def ids(lake: Any, name: str = "geo.cities") -> list[int]:
    return sorted(row["id"] for frame in lake.read(lake.stream(name)) for row in frame.to_dicts())


def test_tables_are_made_read_and_changed(server: Any) -> None:
    lake = opened(server)
    lake.check()
    for _ in range(2):
        lake.write("geo.cities", iter([CITIES]), effect_key="first")
    assert [stream.name for stream in lake.discover()] == ["geo.cities"]
    done = lake.write("geo.cities", iter([CITIES.head(2)]), mode="merge", keys=["id"], effect_key="second")
    assert (done.updated, done.deleted) == (2, 1)
    assert ids(lake) == [1, 2]
    assert server.handler.catalog.load_table("geo.cities").scan().to_arrow().num_rows == 2
    lake.close()
    assert all(seen.endswith("Bearer t0ken") for seen in server.handler.seen if "/oauth/" not in seen)
    assert len({seen for seen in server.handler.seen if "/oauth/" in seen}) == 1


def test_another_writer_is_a_conflict(server: Any) -> None:
    lake, other = opened(server), opened(server, token="t0ken", client_id="")
    lake.write("geo.cities", iter([CITIES]))

    def slow() -> Iterator[pl.DataFrame]:
        yield CITIES.head(1)
        other.write("geo.cities", iter([CITIES.head(1)]), mode="upsert", keys=["id"])

    with pytest.raises(TransientError, match="another writer"):
        lake.write("geo.cities", slow(), mode="overwrite")
    assert ids(lake) == [1, 2, 5]
    for one in (lake, other):
        one.close()


def test_what_the_server_answers_is_told(server: Any) -> None:
    for wrong, error in (({"client_secret": "wrong"}, AuthError), ({"token": "wrong"}, AuthError),
                         ({"uri": f"http://127.0.0.1:{free_port()}/"}, TransientError)):  # fmt: skip
        lake = opened(server, **wrong)
        with pytest.raises(error) as caught:
            lake.check()
        assert "s3cret" not in str(caught.value)
    lake = opened(server)
    lake.check()
    server.handler.broken.append(503)
    with pytest.raises(TransientError):
        lake.write("geo.cities", iter([CITIES]))
    lake.close()


def test_requests_pass_the_door(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    opened(server).check()
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "")
    with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW"):
        opened(server).check()


def test_a_server_does_not_lead_out_of_the_place(server: Any, tmp_path: Path) -> None:
    catalog = server.handler.catalog
    catalog.create_namespace("s")
    catalog.create_table("s.t", CITIES.to_arrow().schema, location=(tmp_path / "elsewhere").as_uri())
    with pytest.raises(ConfigError, match="outside of its folder"):
        opened(server).stream("s.t")


def test_tables_of_a_server_lie_in_a_bucket(tmp_path: Path) -> None:
    config = new_bucket()
    keys = {"s3.endpoint": config["endpoint"], "s3.access-key-id": config["access_key"],
            "s3.secret-access-key": config["secret_key"], "s3.region": "us-east-1"}  # fmt: skip
    for server in served(tmp_path, f"s3://{config['bucket']}/{config['root']}", **keys):
        lake = opened(server, **config)
        lake.write("geo.cities", iter([CITIES]))
        lake.write(
            "geo.cities", iter([CITIES.head(1).with_columns(id=pl.lit(9, pl.Int64))]), mode="upsert", keys=["id"]
        )
        assert ids(lake) == [1, 2, 5, 9]
        lake.close()
        narrow = opened(server, **{**config, "root": "another"})
        with pytest.raises(ConfigError, match="outside"):
            narrow.stream("geo.cities")
