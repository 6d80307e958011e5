"""A web server on loopback whose answers a test writes; it remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct, field


class Asked(Struct, frozen=True):
    """A request as it came.

    Attributes:
        path: Still percent-encoded, without the query.
        query: Decoded; the last of several wins.
        headers: By lower-case name.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.body)


class Reply(Struct, frozen=True):
    """An answer; a body in pieces is sent chunk by chunk."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = {}


def json_reply(data: Any, status: int = 200, **headers: str) -> Reply:
    """Data as JSON; `Retry_After="1"` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(data).encode(), status, {"content-type": "application/json", **named})


class HttpServer(Struct):
    """A running server."""

    host: str
    port: int
    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its address, no trailing slash."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def http_server(
    answer: Callable[[Asked], Reply], host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[HttpServer]:
    """Serve until the block ends.

    Args:
        answer: Called for each request, in a thread of its own.
        host: A loopback address.
        context: Speaks TLS with it.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else an answer waits 40 ms for its body

        def setup(self) -> None:
            running.connections += 1
            super().setup()

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked = Asked(
                self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()}, body,
            )  # fmt: skip
            running.asked.append(asked)
            try:
                self._send(running.answer(asked))
            except OSError:  # the client has gone, as some tests want
                self.close_connection = True

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, bytes):
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else reply.body)
                return
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for part in reply.body:
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.handle_any)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:
            """A client that has gone is what some tests want."""

    with Server((host, 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        running = HttpServer(host, server.server_address[1], answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
