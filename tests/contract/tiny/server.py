"""The file behind a loopback server: one request a line, one SQLite connection a link."""

from __future__ import annotations

import json
import socket
import socketserver
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


class Remote:
    """A link: `execute` and `fetchmany` as sqlite3 has them."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._lines = self._socket.makefile("rb")

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Remote:
        """Start a statement; its rows wait on the server."""
        self._ask({"sql": sql, "params": list(params)})
        return self

    def fetchmany(self, count: int) -> list[list[Any]]:
        """The next rows."""
        rows: list[list[Any]] = self._ask({"fetch": count})
        return rows

    def fetchall(self) -> list[list[Any]]:
        """All rows that are left."""
        return self.fetchmany(-1)

    def _ask(self, request: dict[str, Any]) -> Any:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer = self._lines.readline()
        if not answer:
            raise ConnectionResetError("the link is closed")
        return json.loads(answer)

    def close(self) -> None:
        """Hang up; what is not committed is gone."""
        self._lines.close()
        self._socket.close()


class _Link(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path: Path = self.server.path  # type: ignore[attr-defined]
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0.1)) as db:
            cursor = db.cursor()
            try:
                for line in self.rfile:
                    request, answer = json.loads(line), None
                    if "sql" in request:
                        cursor.execute(request["sql"], request["params"])
                    else:
                        answer = cursor.fetchall() if request["fetch"] < 0 else cursor.fetchmany(request["fetch"])
                    self.wfile.write(json.dumps(answer).encode() + b"\n")
            except OSError:
                return  # it hung up


@contextmanager
def serving(path: Path) -> Iterator[int]:
    """Serve a file; gives the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Link) as server:
        server.path = path  # type: ignore[attr-defined]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
