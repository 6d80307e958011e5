"""A service made of a `connector.toml`: it signs in, pages, filters and acts as the file says, and fails where told.

Proves behaviour that no document shows: pages end, a token that ends is renewed, 429 is waited for, an action with
a key has one effect.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote

from headrace.kits.http.parts import (
    ActionPart,
    BasicAuth,
    BearerAuth,
    Declaration,
    HeaderAuth,
    Hmac,
    Link,
    OAuth2,
    Offset,
    PageNumber,
    QueryAuth,
    SigV4,
    StreamPart,
)
from headrace.kits.http.paths import fields_of
from headrace.kits.http.types import typed
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply

VALUES: dict[str, Any] = {
    "integer": lambda n: n, "float": lambda n: n + 0.5, "boolean": lambda n: n % 2 == 0, "json": lambda n: {"n": [n]},
    "text": lambda n: f"text {n} ü'\"", "date": lambda n: f"2026-01-{n % 28 + 1:02}",
    "time": lambda n: f"10:{n % 60:02}:00",
    "timestamp": lambda n: f"2026-01-01T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z",
    "timestamp_local": lambda n: f"2026-01-01T10:{n // 60 % 60:02}:{n % 60:02}",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n:012x}",
}  # fmt: skip
SECRET = "secret-of-the-fake"  # noqa: S105 - of a fake


class ManifestServer:
    """The service.

    Args:
        said: The declaration.
        rows: Records by stream; made up from the columns where they are not given.
        size: Records on a page.
        count: How many are made up for each stream.

    Attributes:
        busy: So many requests are answered with 429 first.
        uses: So many requests a fetched token is good for.
        effects: What actions did: id and body.
        url: Its address, when it serves.
    """

    def __init__(
        self, said: Declaration, rows: Mapping[str, Sequence[dict[str, Any]]] | None = None, *, size: int = 3,
        count: int = 7,
    ) -> None:  # fmt: skip
        self.said = said
        self.size = size
        self.rows = {part.name: list((rows or {}).get(part.name) or made_up(part, count)) for part in said.streams}
        self.busy = 0
        self.uses = 1_000_000
        self.effects: list[tuple[str, dict[str, Any]]] = []
        self.url = ""
        self._answers: dict[str, Reply] = {}
        self._token: tuple[str, int] = ("", 0)
        self._lock = threading.Lock()
        for part in said.streams:
            for param, source in part.parent.items():
                above, _, field = source.partition(".")
                known = [_dig(row, _where(said, above, field)) for row in self.rows[above]]
                for number, row in enumerate(self.rows[part.name]):
                    row.setdefault("\0parent", {})[param] = str(known[number % len(known)])

    def config(self, secret: str = SECRET) -> dict[str, Any]:
        """A connection to it; with another secret, one that it refuses."""
        found: dict[str, Any] = {
            name: secret if part.type == "secret" else "me"
            for name, part in self.said.config.items()
            if part.type in {"secret", "text"} and (part.default is None or name in {"client_id", "region"})
        }  # fmt: skip
        if "token_url" in self.said.config:
            found["token_url"] = f"{self.url}/-token"
        return {**found, "base_url": self.url}

    def answer(self, asked: Asked) -> Reply:
        """One request."""
        with self._lock:
            if asked.path == "/-token":
                return self._give(asked)
            if not self._signed_in(asked):
                return json_reply({"message": "who are you?"}, 401)
            if self.busy:
                self.busy -= 1
                return json_reply({"message": "slower"}, 429, Retry_After="0")
            return self._route(asked)

    def _route(self, asked: Asked) -> Reply:
        for part in self.said.streams:
            values = _match(part.path, asked.path)
            if values is not None and asked.method == part.method:
                return self._list(part, values, asked)
        for action in self.said.actions:
            values = _match(action.path, asked.path)
            if values is not None and asked.method == action.method:
                return self._act(action, values, asked)
        if asked.path.strip("/") == self.said.check.partition("?")[0].strip("/"):
            return json_reply({})
        return json_reply({"message": "no such place"}, 404)

    def _list(self, part: StreamPart, values: dict[str, str], asked: Asked) -> Reply:
        rows = [row for row in self.rows[part.name] if row.get("\0parent", {}) == values]
        given: dict[str, Any] = dict(asked.query)
        if part.method == "POST":
            given |= _flat(asked.json() if asked.body else {})
        after = given.get(part.after_param) if part.after_param else None
        if after is not None:
            rows = [row for row in rows if str(_dig(row, _where(self.said, part.name, part.cursor))) >= str(after)]
        bare = [{name: value for name, value in row.items() if name != "\0parent"} for row in rows]
        page, more, headers = self._page(part, bare, given, asked)
        body: Any = {row.pop(part.key_column): row for row in page} if part.key_column else page
        if part.records or more:
            whole: dict[str, Any] = dict(more)
            _put(whole, part.records or "records", body)
            body = whole
        return json_reply(body, 200, **headers)

    def _page(
        self, part: StreamPart, rows: list[dict[str, Any]], given: Mapping[str, Any], asked: Asked
    ) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, str]]:
        """A page, what is said beside it in the body, and headers."""
        kind, size = part.pages, self.size
        more: dict[str, Any] = {}
        if kind is None:
            return rows, more, {}
        if isinstance(kind, PageNumber):
            start = (int(given.get(kind.page_param, kind.start)) - kind.start) * size
            return rows[start : start + size], more, {}
        if isinstance(kind, Offset):
            start = int(given.get(kind.offset_param, 0))
            return rows[start : start + size], more, {}
        if isinstance(kind, Link):
            start = int(given.get("from", 0))
            left = start + size < len(rows)
            link = f"{self.url}{asked.path}?from={start + size}"
            if not kind.next:
                return rows[start : start + size], more, {"link": f'<{link}>; rel="next"'} if left else {}
            _put(more, kind.next, link if left else None)
            return rows[start : start + size], more, {}
        token = str(given.get(kind.token_param, ""))
        keys = [str(_dig(row, kind.last)) for row in rows] if kind.last else [f"t{n}" for n in range(len(rows))]
        start = keys.index(token) + 1 if token else 0
        left = start + size < len(rows)
        if kind.more:
            _put(more, kind.more, left)
        if kind.next:
            _put(more, kind.next, keys[start + size - 1] if left else None)
        return rows[start : start + size], more, {}

    def _act(self, action: ActionPart, values: dict[str, str], asked: Asked) -> Reply:
        key = asked.headers.get(action.idempotency_header.lower(), "") if action.idempotency_header else ""
        if key in self._answers and key:
            return self._answers[key]
        self.effects.append((action.id, {**values, **asked.query, **(asked.json() if asked.body else {})}))
        told: dict[str, Any] = {}
        made = {name: VALUES[kind](len(self.effects)) for name, kind in action.output.items()}
        _put(told, action.result, made) if action.result else told.update(made)
        reply = json_reply(told, 201)
        if key:
            self._answers[key] = reply
        return reply

    def _give(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        given = asked.headers.get("authorization", "")
        shown = unquote(base64.b64decode(given.removeprefix("Basic ")).decode()) if given else ""
        if SECRET not in shown and SECRET not in form.values() and "assertion" not in form:
            return json_reply({"error": "invalid_client"}, 401)
        self._token = (f"token-{len(self._token[0])}{self._token[1]}-{id(asked)}", self.uses)
        return json_reply({"access_token": self._token[0], "expires_in": 3_600})

    def _signed_in(self, asked: Asked) -> bool:
        given = asked.headers.get("authorization", "")
        match self.said.auth:
            case BearerAuth():
                return given == f"Bearer {SECRET}"
            case HeaderAuth(name=name, prefix=prefix):
                return asked.headers.get(name.lower()) == f"{prefix}{SECRET}"
            case QueryAuth(name=name):
                return asked.query.get(name) == SECRET
            case BasicAuth():
                return given == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
            case OAuth2():
                token, left = self._token
                self._token = (token, left - 1)
                return bool(token) and given == f"Bearer {token}" and left > 0
            case SigV4():
                return given.startswith("AWS4-HMAC-SHA256 ")
            case Hmac(header=header):
                return header.lower() in asked.headers
        return True


def inputs(said: Declaration) -> dict[str, dict[str, Any]]:
    """An input for each action, with a value for each field."""
    return {
        one.id: {name: VALUES.get(kind, lambda n: f"{n}.25")(1) for name, kind in one.input.items()}
        for one in said.actions
    }


def made_up(part: StreamPart, count: int) -> list[dict[str, Any]]:
    """Records with a value for each declared column, in the order of the cursor."""
    made = []
    for number in range(1, count + 1):
        row: dict[str, Any] = {}
        for name, declared in part.columns.items():
            if name in part.parent:
                continue
            kind, path = typed(declared)
            _put(row, path or name, VALUES.get(kind, lambda n: f"{n}.25")(number))
        made.append(row)
    return made


@contextmanager
def manifest_server(said: Declaration, **given: Any) -> Iterator[tuple[ManifestServer, HttpServer]]:
    """Serve until the block ends."""
    made = ManifestServer(said, **given)
    with http_server(made.answer) as server:
        made.url = server.url
        yield made, server


def _where(said: Declaration, stream: str, column: str) -> str:
    part = said.stream(stream)
    declared = part.columns.get(column, "") if part is not None else ""
    return typed(declared)[1] or column


def _match(template: str, path: str) -> dict[str, str] | None:
    """Values of a path's fields, decoded; None when it is another path."""
    names = fields_of(template)
    plain = template.partition("?")[0].strip("/")
    pattern = "".join(
        f"(?P<{part[1:-1]}>[^/]+)" if part[1:-1] in names and part[:1] == "{" else re.escape(part)
        for part in re.split(r"(\{[^{}]*\})", plain)
    )
    found = re.fullmatch(pattern, path.strip("/"))
    return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def _dig(row: Mapping[str, Any], path: str) -> Any:
    at: Any = row
    for part in path.split("."):
        at = at.get(part) if isinstance(at, Mapping) else None
    return at


def _put(row: dict[str, Any], path: str, value: Any) -> None:
    *holders, name = path.split(".")
    for part in holders:
        row = row.setdefault(part, {})
    row[name] = value


def _flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in body.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
