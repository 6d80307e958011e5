"""The contract over a folder that rclone serves by http, and redirects that lead where nobody may go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.testing.counterparts import binary, free_port, serving
from headrace.testing.files import FolderContract, sample_files
from headrace.testing.http_server import Asked, Reply, http_server


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def address(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, home = free_port(), tmp_path_factory.mktemp("rclone")
    command = [binary("rclone"), "serve", "http", str(served), "--addr", f"127.0.0.1:{port}", "--user", "ada",
               "--pass", "s3cret", "--dir-cache-time", "1ms"]  # fmt: skip
    with serving(command, port, HOME=str(home)):
        yield f"http://127.0.0.1:{port}"


class TestHttpFiles(FolderContract):
    connector_id = "http_files"

    @pytest.fixture
    def config(self, address: str, place: Path) -> dict[str, Any]:
        url = f"{address}/{quote(place.name)}"
        return {"url": url, "user": "ada", "password": "s3cret", "paths": list(sample_files())}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}


def test_a_redirect_to_a_closed_place_is_not_followed() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(b"", 302, {"location": "http://169.254.169.254/latest/meta-data"})

    with http_server(answer) as server:
        connector = load_plugins(only=["connector-http_files"], strict=True).registry.connector("http_files")
        opened = connector.open({"url": server.url, "token": "s3cret", "paths": ["a.csv"]})
        with pytest.raises(ConfigError, match="never opened"):
            opened.check()
        opened.close()


def test_a_server_without_ranges_and_length_is_read_whole() -> None:
    body = b"id,name\n" + b"1,x\n" * 1_000

    def answer(asked: Asked) -> Reply:
        return Reply([body[:100], body[100:]])

    with http_server(answer) as server:
        connector = load_plugins(only=["connector-http_files"], strict=True).registry.connector("http_files")
        opened = connector.open({"url": server.url, "paths": ["a.csv"]})
        assert sum(frame.height for frame in opened.read(opened.stream("a.csv"))) == 1_000
        opened.close()
