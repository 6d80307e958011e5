"""10,000 pages from a server in a process of its own: the http kit, and a bare httpx2 loop over the same pages."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGES, ROWS = 10_000, 20


@contextmanager
def service() -> Iterator[str]:
    """Its address."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(pipe: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        """Head and body in one packet; in two, each page would wait 40 ms for the other side's acknowledgement."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            page = int(query["page"][0])
            numbers = range(page * ROWS, (page + 1) * ROWS)
            rows = [{"id": n, "name": f"row {n}", "at": "2026-01-01T00:00:00Z"} for n in numbers]
            body = json.dumps(rows if page <= PAGES else []).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


def kit(url: str) -> tuple[float, float]:
    """Seconds and MiB of peak memory that the kit adds, over typed frames."""
    os.environ["HEADRACE_EGRESS_ALLOW"] = "private"
    from headrace.kits.http import parts
    from headrace.kits.http.connector import RestConnector
    from headrace.sdk import Config

    class Bare(Config):
        base_url: str

    stream = parts.StreamPart(
        name="rows", path="rows", columns={"id": "integer", "name": "text", "at": "timestamp"}, pages=parts.PageNumber()
    )
    said = parts.Declaration(id="bench", title="Bench", category="development", streams=(stream,))

    class Made(RestConnector[Bare]):
        def declaration(self) -> parts.Declaration:
            return said

    connector = Made(Bare(url))
    began, before = time.perf_counter(), _peak()
    rows = sum(frame.height for frame in connector.read(connector.stream("rows")))
    took = time.perf_counter() - began
    connector.close()
    if rows != PAGES * ROWS:
        raise ValueError(f"{rows} rows")
    return took, _peak() - before


def bare(url: str) -> float:
    """Seconds of a loop over the same pages with httpx2 and the standard library's JSON."""
    import httpx2

    rows, page = 0, 1
    began = time.perf_counter()
    with httpx2.Client() as client:
        while found := client.get(f"{url}/rows", params={"page": page}).json():
            rows += len(found)
            page += 1
    if rows != PAGES * ROWS:
        raise ValueError(f"{rows} rows")
    return time.perf_counter() - began


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
