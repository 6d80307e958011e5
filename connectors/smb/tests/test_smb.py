"""The contract over a folder that Samba shares."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.testing.counterparts import binary, free_port, serving
from headrace.testing.files import FolderContract

SETTINGS = """[global]
server role = standalone
smb ports = {port}
interfaces = 127.0.0.1
bind interfaces only = yes
passdb backend = smbpasswd:{home}/smbpasswd
private dir = {home}
lock directory = {home}
state directory = {home}
cache directory = {home}
pid directory = {home}
ncalrpc dir = {home}/rpc
disable netbios = yes
load printers = no
printcap name = /dev/null
log level = 0
map to guest = never
[share]
path = {served}
writable = yes
force user = {user}
"""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def server(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    daemon = binary("smbd")
    if os.getuid():
        pytest.skip("smbd wants to be started by root")
    port, home = free_port(), tmp_path_factory.mktemp("samba")
    settings = home / "smb.conf"
    settings.write_text(SETTINGS.format(port=port, home=home, served=served, user="root"))
    (home / "smbpasswd").touch(0o600)
    subprocess.run(
        [binary("smbpasswd"), "-c", str(settings), "-L", "-a", "-s", "root"], input=b"s3cret\ns3cret\n", check=True,
        capture_output=True,
    )  # fmt: skip
    command = [daemon, "--foreground", "--no-process-group", "-s", str(settings), "--debug-stdout"]
    with serving(command, port):
        yield {"host": "127.0.0.1", "port": port, "share": "share", "user": "root", "password": "s3cret"}


class TestSmb(FolderContract):
    connector_id = "smb"

    @pytest.fixture
    def config(self, server: dict[str, Any], place: Path) -> dict[str, Any]:
        return {**server, "folder": place.name}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}
