"""The contract over a folder that rclone serves by SFTP, and a server that is not the one that was named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.testing.counterparts import binary, free_port, serving
from headrace.testing.files import FolderContract


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def server(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    port, home = free_port(), tmp_path_factory.mktemp("rclone")
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(home / "key"))
    command = [binary("rclone"), "serve", "sftp", str(served), "--addr", f"127.0.0.1:{port}", "--user", "ada",
               "--pass", "s3cret", "--key", str(home / "key"), "--dir-cache-time", "1ms",
               "--vfs-cache-mode", "off", "--vfs-write-wait", "0s"]  # fmt: skip
    with serving(command, port, HOME=str(home)):
        yield {"host": "127.0.0.1", "port": port, "user": "ada", "password": "s3cret", "host_key": key.fingerprint}


class TestSftp(FolderContract):
    connector_id = "sftp"

    @pytest.fixture
    def config(self, server: dict[str, Any], place: Path) -> dict[str, Any]:
        return {**server, "folder": f"/{place.name}"}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}


@pytest.mark.parametrize("named", ["", "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"])
def test_a_server_that_was_not_named_gets_no_password(server: dict[str, Any], named: str) -> None:
    connector = load_plugins(only=["connector-sftp"], strict=True).registry.connector("sftp")
    opened = connector.open({**server, "host_key": named})
    with pytest.raises(ConfigError, match="shows the key SHA256:") as caught:
        opened.check()
    assert server["host_key"].rstrip("=") in caught.value.message
    opened.close()
