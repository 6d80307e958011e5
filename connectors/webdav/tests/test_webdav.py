"""The contract over a folder that rclone serves by WebDAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from headrace.testing.counterparts import binary, free_port, serving
from headrace.testing.files import FolderContract


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def address(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, home = free_port(), tmp_path_factory.mktemp("rclone")
    command = [binary("rclone"), "serve", "webdav", str(served), "--addr", f"127.0.0.1:{port}", "--user", "ada",
               "--pass", "s3cret", "--dir-cache-time", "1ms", "--vfs-cache-mode", "off"]  # fmt: skip
    with serving(command, port, HOME=str(home)):
        yield f"http://127.0.0.1:{port}"


class TestWebdav(FolderContract):
    connector_id = "webdav"

    @pytest.fixture
    def config(self, address: str, place: Path) -> dict[str, Any]:
        return {"url": f"{address}/{quote(place.name)}", "user": "ada", "password": "s3cret"}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}
