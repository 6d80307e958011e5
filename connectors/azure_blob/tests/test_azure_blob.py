"""The contract over a container of azurite."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.testing.counterparts import binary, free_port, serving
from headrace.testing.files import FilesContract, sample_files
from headrace_connector_azure_blob.filesystem import AzureFileSystem

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, printed in its documents."""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    port = free_port()
    command = [binary("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent",
               "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]  # fmt: skip
    with serving(command, port):
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


def container(endpoint: str) -> str:
    name = f"c-{secrets.token_hex(6)}"
    fs = AzureFileSystem(endpoint, ACCOUNT, KEY, "")
    fs.call("PUT", f"{endpoint}/{name}?restype=container")
    fs.close()
    return name


class TestAzureBlob(FilesContract):
    connector_id = "azure_blob"

    @pytest.fixture
    def config(self, endpoint: str) -> dict[str, Any]:
        config = {
            "account": ACCOUNT, "account_key": KEY, "container": container(endpoint), "endpoint": endpoint,
            "prefix": "in it",
        }  # fmt: skip
        for name, body in sample_files().items():
            self.put(config, name, body)
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "account_key": "c2VjcmV0LWFuZC13cm9uZw=="}

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        fs = AzureFileSystem(config["endpoint"], ACCOUNT, KEY, "")
        fs.put_bytes(f"{config['container']}/{config['prefix']}/{name}", body)
        fs.close()


def test_large_blobs_go_in_blocks(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("http_fs", "object_fs"):
        monkeypatch.setattr(f"headrace.kits.files.{module}.PART_BYTES", 2**20)
    body = secrets.token_bytes(2**21 + 7)
    (tmp_path / "big").write_bytes(body)
    fs = AzureFileSystem(endpoint, ACCOUNT, KEY, "")
    name = f"{container(endpoint)}/a b/ü+'big"
    fs.put_file(str(tmp_path / "big"), name)
    fs.get_file(name, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    fs.close()
