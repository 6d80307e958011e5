"""A MariaDB server with a binlog, for tests of its changes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pymysql


@contextmanager
def binlog_server(folder: Path) -> Iterator[dict[str, Any]]:
    """The config of a connection to an empty database `shop`; its files are in the folder.

    Raises:
        RuntimeError: it does not start; with its log.
    """
    folder.chmod(0o755)
    owner = ["--user=mysql"] if os.getuid() == 0 else []
    data = folder / "data"
    data.mkdir()
    if owner:
        shutil.chown(data, "mysql")
    make = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        *owner,
    ]
    subprocess.run(make, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        "mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", "--server-id=7",
        f"--socket={data}/s", "--log-bin=log", "--binlog-format=ROW", "--binlog-row-metadata=FULL", *owner,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    config = {"host": "127.0.0.1", "port": port, "database": "shop", "user": "root", "password": ""}
    try:
        until = time.monotonic() + 120
        while True:
            try:
                with closing(pymysql.connect(host="127.0.0.1", port=port, user="root")) as db:
                    db.cursor().execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
                break
            except pymysql.OperationalError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)
        yield config
    finally:
        process.terminate()
        process.wait(60)
