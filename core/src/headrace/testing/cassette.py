"""Record and replay of a service's answers, for tests of connectors: a cassette holds no secret and no request header.

`recorder` is a server on loopback before the real service; what passes is written to a file. `player` answers from the
file: a request that was not recorded fails the test that sent it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from headrace.sdk.egress_http import EgressClient
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server

KEPT = frozenset({"content-type", "link", "retry-after", "ratelimit", "etag", "last-modified"})
_LIMIT = re.compile(r"x-?rate-?limit|ratelimit")
_HERE = "{base}"
_OF_THE_LINK = frozenset({"host", "connection", "content-length", "accept-encoding", "user-agent"})
_MASK = "***"


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and its answer.

    Attributes:
        request: Method, path and query, secrets masked.
        sent: Digest of the body, secrets masked; empty without one.
        base64: The body is no text.
    """

    request: str
    sent: str = ""
    status: int = 200
    headers: dict[str, str] = {}
    body: str = ""
    base64: bool = False


class Cassette:
    """A file of exchanges.

    Args:
        path: Of the file.
        secrets: Texts that it may not hold; masked in what is asked and what is answered, in every usual form.
    """

    def __init__(self, path: Path, secrets: Iterable[str]) -> None:
        self.path = path
        self.exchanges: list[Exchange] = []
        plain = [secret for secret in secrets if secret]
        forms = {form for secret in plain for form in (secret, quote(secret, safe=""), _base64(secret))}
        self._secrets = sorted(forms, key=len, reverse=True)

    def load(self) -> Cassette:
        """Read the file."""
        self.exchanges = msgspec.json.decode(self.path.read_bytes(), type=list[Exchange])
        return self

    def save(self) -> None:
        """Write the file.

        Raises:
            AssertionError: it would hold a secret.
        """
        text = msgspec.json.format(msgspec.json.encode(self.exchanges), indent=1)
        if any(secret.encode() in text for secret in self._secrets):
            raise AssertionError("the cassette would hold a secret; it is not written")
        self.path.write_bytes(text + b"\n")

    def masked(self, text: str) -> str:
        """A text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text

    def asked(self, asked: Asked) -> tuple[str, str]:
        """How a request is known: its line, and the digest of its body."""
        query = urlencode(sorted(asked.query.items()))
        line = self.masked(f"{asked.method} {asked.path}{'?' if query else ''}{query}")
        body = self.masked(asked.body.decode("utf-8", "replace"))
        return line, sha256(body.encode()).hexdigest()[:16] if body else ""


@contextmanager
def recorder(cassette: Cassette, real: str) -> Iterator[HttpServer]:
    """A server that asks the real service and remembers; the file is written when the block ends."""
    client = EgressClient()
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(real))

    def answer(asked: Asked) -> Reply:
        sent = {name: value for name, value in asked.headers.items() if name not in _OF_THE_LINK}
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        told = client.request(asked.method, f"{origin}{asked.path}{query}", headers=sent, body=asked.body)
        line, body = cassette.asked(asked)
        text, packed = _text(told.body)
        kept = {
            name: cassette.masked(value.replace(origin, _HERE))
            for name, value in told.headers.items() if name in KEPT or _LIMIT.search(name)
        }  # fmt: skip
        shown = text if packed else cassette.masked(text.replace(origin, _HERE))
        cassette.exchanges.append(Exchange(
            request=line, sent=body, status=told.status, headers=kept, body=shown, base64=packed,
        ))  # fmt: skip
        return _reply(cassette.exchanges[-1], server.url)

    with http_server(answer) as server:
        yield server
    client.close()
    cassette.save()


@contextmanager
def player(cassette: Cassette) -> Iterator[HttpServer]:
    """A server that answers as it was recorded, each exchange in turn, the last one of equal ones again and again."""
    left = list(cassette.load().exchanges)

    def answer(asked: Asked) -> Reply:
        known = cassette.asked(asked)
        found = [one for one in left if (one.request, one.sent) == known]
        if not found:
            return Reply(f'{{"message": "not on the cassette: {known[0]}"}}'.encode(), 501)
        if len(found) > 1:
            left.remove(found[0])
        return _reply(found[0], server.url)

    with http_server(answer) as server:
        yield server


def _reply(exchange: Exchange, url: str) -> Reply:
    headers = {name: value.replace(_HERE, url) for name, value in exchange.headers.items()}
    if exchange.base64:
        return Reply(base64.b64decode(exchange.body), exchange.status, headers)
    return Reply(exchange.body.replace(_HERE, url).encode(), exchange.status, headers)


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _base64(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()
