"""Services in which people keep files, on loopback: what all of them share. A vendor's fake brings its addresses.

A request that the vendor's documents do not allow is noted in `wrong`, and fails the test at its end.
"""

from __future__ import annotations

import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct, field

from headrace.testing.http_server import Asked, HttpServer, Reply, json_reply

CHUNK = 2**18


class Node(Struct):
    """A file, or a folder where there is no body."""

    key: str
    name: str
    parent: str
    body: Path | None
    made: datetime
    changed: datetime
    version: int = 1
    kind: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.body.stat().st_size if self.body else 0


class Shelf:
    """Files and folders by id; contents are on disk."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.nodes: dict[str, Node] = {}
        self._clock = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.top = self.add("", "top", None).key

    def now(self) -> datetime:
        """Later than before."""
        self._clock += timedelta(seconds=1)
        return self._clock

    def fresh(self) -> Path:
        """A place for a content."""
        return self.disk / secrets.token_hex(8)

    def add(self, parent: str, name: str, body: Path | None, *, key: str = "", kind: str = "") -> Node:
        """Add without looking at what is there."""
        at = self.now()
        node = Node(key or secrets.token_urlsafe(24), name, parent, body, at, at, kind=kind)
        self.nodes[node.key] = node
        return node

    def fill(self, node: Node, body: Path) -> Node:
        """A new version of a file."""
        node.body, node.version, node.changed = body, node.version + 1, self.now()
        return node

    def below(self, key: str) -> list[Node]:
        """What is right in a folder."""
        return [node for node in self.nodes.values() if node.parent == key]

    def child(self, key: str, name: str) -> Node | None:
        """By its name in a folder, in any case of letters."""
        return next((node for node in self.below(key) if node.name.casefold() == name.casefold()), None)

    def at(self, path: str, start: str = "") -> Node | None:
        """By its path."""
        found: Node | None = self.nodes[start or self.top]
        for name in filter(None, path.split("/")):
            found = self.child(found.key, name) if found else None
        return found

    def path(self, node: Node, start: str = "") -> str:
        """Its path."""
        names = []
        while node.key != (start or self.top):
            names.append(node.name)
            node = self.nodes[node.parent]
        return "/" + "/".join(reversed(names))

    def folder(self, path: str, start: str = "") -> Node:
        """The folder at a path, made if need be."""
        found = self.nodes[start or self.top]
        for name in filter(None, path.split("/")):
            found = self.child(found.key, name) or self.add(found.key, name, None)
        return found

    def put(self, path: str, body: bytes, start: str = "") -> Node:
        """What somebody else puts there."""
        above, _, name = path.strip("/").rpartition("/")
        folder, place = self.folder(above, start), self.fresh()
        place.write_bytes(body)
        there = self.child(folder.key, name)
        return self.fill(there, place) if there else self.add(folder.key, name, place)

    def remove(self, node: Node) -> None:
        """Delete, with what is below."""
        for one in self.below(node.key):
            self.remove(one)
        del self.nodes[node.key]


class Accident(Struct):
    """What befalls a request, once.

    Attributes:
        hits: Whether it is this one.
        reply: Given in place of the answer; None: the link breaks.
        done: The request was done before the link broke.
    """

    hits: Callable[[Asked], bool]
    reply: Reply | None = None
    done: bool = False


class Session(Struct):
    """An upload that is not finished."""

    place: Path
    size: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def there(self) -> int:
        """Bytes that came."""
        return self.place.stat().st_size if self.place.exists() else 0

    def add(self, piece: bytes) -> int:
        """More of it."""
        with self.place.open("ab") as file:
            file.write(piece)
        return self.there


class DriveService(ABC):
    """A vendor.

    Attributes:
        url: Its address; `other` is where contents are fetched from without a token.
        page: Most items of a list's page.
        wrong: What the vendor's documents do not allow.
        given: How many tokens were given.
        cut_after: The link breaks after so many bytes of the next content.
    """

    page = 3
    bad_token: tuple[int, dict[str, Any]] = (400, {"error": "invalid_grant"})

    def __init__(self, disk: Path) -> None:
        self.shelf = Shelf(disk)
        self.url = self.other = ""
        self.access: set[str] = set()
        self.refresh = secrets.token_urlsafe(8)
        self.given = 0
        self.accidents: list[Accident] = []
        self.sessions: dict[str, Session] = {}
        self.wrong: list[str] = []
        self.cut_after = 0
        self.servers: list[HttpServer] = []
        self.lock = threading.RLock()

    @abstractmethod
    def route(self, asked: Asked) -> Reply:
        """Answer a request of somebody who has signed in."""

    @abstractmethod
    def unauthorized(self) -> Reply:
        """The answer to a token that is over."""

    @abstractmethod
    def busy(self) -> Reply:
        """The answer to too many requests."""

    def fetched(self, asked: Asked) -> Reply:
        """Answer a request to `other`."""
        return self.refuse(asked)

    def grant(self, form: dict[str, str]) -> bool:
        """Whether a request for a token is good; without a person."""
        return False

    def expire(self) -> None:
        """All access tokens are over."""
        self.access.clear()

    def answer(self, asked: Asked) -> Reply:
        """Any request."""
        with self.lock:
            for server in self.servers:
                server.asked.clear()  # their bodies take memory, which tests measure
            try:
                return self._answer(asked)
            except ConnectionResetError:
                raise
            except Exception as error:
                self.wrong.append(f"{asked.method} {asked.path} {asked.query}: {error!r}")
                return Reply(b"", 500)

    def _answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/token"):
            return self.token(dict(parse_qsl(asked.body.decode())))
        found = next((one for one in self.accidents if one.hits(asked)), None)
        if found is not None:
            self.accidents.remove(found)
            if found.reply is not None:
                return found.reply
            if not found.done:
                raise ConnectionResetError
        open_ = asked.headers["host"] == self.other.partition("//")[2]
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if open_ and bearer:
            self.wrong.append(f"{asked.path}: a token is shown where nobody asked for it")
        reply = self.fetched(asked) if open_ else self.route(asked) if bearer in self.access else self.unauthorized()
        if found is not None:
            raise ConnectionResetError
        return reply

    def token(self, form: dict[str, str]) -> Reply:
        """The token address."""
        if form.get("grant_type") == "refresh_token":
            good = form.get("refresh_token") == self.refresh and form.get("client_secret") == "s3cret-of-a-client"
        else:
            good = self.grant(form)
        if not good:
            return json_reply(self.bad_token[1], self.bad_token[0])
        self.given += 1
        made = secrets.token_urlsafe(12)
        self.access.add(made)
        return json_reply({"access_token": made, "token_type": "bearer", "expires_in": 3600})

    def content(self, node: Node, asked: Asked, **headers: str) -> Reply:
        """A file's bytes, or a range of them, in pieces."""
        path, size, span = node.body, node.size, asked.headers.get("range", "")
        assert path is not None  # noqa: S101 - a fake's own rule
        first, last, status = 0, size - 1, 200
        if span and size:
            begin, _, end = span.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or last), last), 206
            headers["content-range"] = f"bytes {first}-{last}/{size}"
        cut, self.cut_after = self.cut_after, 0

        def pieces() -> Iterator[bytes]:
            with path.open("rb") as file:
                file.seek(first)
                left = last - first + 1
                while left:
                    piece = file.read(min(CHUNK, left, cut or CHUNK))
                    left -= len(piece)
                    yield piece
                    if cut:
                        raise ConnectionResetError

        return Reply(pieces(), status, headers)

    def refuse(self, asked: Asked) -> Reply:
        """A request that the vendor's documents do not know."""
        self.wrong.append(f"there is no {asked.method} {asked.path} {asked.query}")
        return Reply(b"", 404)

    def must(self, true: object, why: str) -> None:
        """A rule of the vendor's documents."""
        if not true:
            self.wrong.append(why)

    def only(self, asked: Asked, *names: str) -> None:
        """No other parameters are known there."""
        self.must(set(asked.query) <= set(names), f"{asked.path} knows no {sorted(set(asked.query) - set(names))}")


def span_of(asked: Asked) -> tuple[int, int, int]:
    """First, last and whole of a `Content-Range`; first and last are -1 where it asks or is empty."""
    span, _, size = asked.headers["content-range"].removeprefix("bytes ").partition("/")
    first, _, last = ("-1", "", "-1") if span == "*" else span.partition("-")
    return int(first), int(last), int(size)


def stamp(moment: datetime) -> str:
    """A time as the vendors write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
