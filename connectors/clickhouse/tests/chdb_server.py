"""ClickHouse's HTTP interface over chdb, its engine as a library; executed by a Python that has chdb.

`python chdb_server.py PORT FOLDER USER PASSWORD`. One statement at a time, no compression, no sessions.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
CODE = re.compile(r"Code: (\d+)")


class Handler(BaseHTTPRequestHandler):
    """Answers as the server does: data with its format, or a text with the code of an exception."""

    protocol_version = "HTTP/1.1"
    engine: Any
    known: tuple[str, str]
    turn = threading.Lock()

    def do_GET(self) -> None:
        """`/ping`, or a query in the address."""
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self._query(b"")

    def do_POST(self) -> None:
        """A query in the body, or before it."""
        self._query(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _query(self, body: bytes) -> None:
        if self._who() != self.known:
            said = f"Code: 516. DB::Exception: {self._who()[0]}: Authentication failed: password is incorrect"
            self._answer(403, said.encode(), {"X-ClickHouse-Exception-Code": "516"})
            return
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        text = f"{asked.get('query', '')}\n{body.decode()}".strip()
        found = FORMAT.search(text)
        kind = found[1] if found else asked.get("default_format", "TabSeparated")
        values = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
        with self.turn:
            try:
                if asked.get("database"):
                    self.engine.query(f"USE `{asked['database']}`")
                made = self.engine.query(text, kind, params=values).bytes()
            except Exception as error:
                code = CODE.search(str(error))
                self._answer(404 if code and code[1] in {"60", "81"} else 400, str(error).encode(),
                             {"X-ClickHouse-Exception-Code": code[1] if code else "1"})  # fmt: skip
                return
        self._answer(200, made, {"X-ClickHouse-Format": kind, "X-ClickHouse-Timezone": "UTC",
                                 "X-ClickHouse-Summary": json.dumps({"read_rows": "0"})})  # fmt: skip

    def _who(self) -> tuple[str, str]:
        basic = self.headers.get("authorization", "").removeprefix("Basic ")
        if basic:
            user, _, password = base64.b64decode(basic).decode().partition(":")
            return user, password
        return self.headers.get("x-clickhouse-user", "default"), self.headers.get("x-clickhouse-key", "")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Quiet."""


def main(port: str, folder: str, user: str, password: str) -> None:
    """Serve until the process ends."""
    from chdb import session  # type: ignore[import-not-found]

    Handler.engine, Handler.known = session.Session(folder), (user, password)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
