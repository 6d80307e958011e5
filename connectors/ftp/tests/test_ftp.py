"""The contract over a folder that pyftpdlib serves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.testing.counterparts import free_port, serving
from headrace.testing.files import FolderContract


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def server(served: Path) -> Iterator[dict[str, Any]]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", str(port), "-w",
               "-d", str(served), "-u", "ada", "-P", "s3cret"]  # fmt: skip
    with serving(command, port):
        yield {"host": "127.0.0.1", "port": port, "user": "ada", "password": "s3cret", "tls": False}


class TestFtp(FolderContract):
    connector_id = "ftp"
    skip_reasons = {
        "test_opens_a_new_link_after_a_dropped_one": "data links go to another port, which a forwarder does not know",
    }

    @pytest.fixture
    def config(self, server: dict[str, Any], place: Path) -> dict[str, Any]:
        return {**server, "folder": f"/{place.name}"}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}
