"""HTTP through the door: connections go to judged addresses, redirects are followed by hand, answers are bounded.

No proxy, cookie or password of the environment is used. Clients of third parties get `EgressTransport`.
"""

from __future__ import annotations

import os
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urljoin

import httpcore2
import httpx2
from msgspec import Struct

from headrace.sdk.egress import EgressPolicy, Resolver, check_host, check_url, current_policy, system_resolver
from headrace.sdk.egress_names import Place
from headrace.sdk.errors import ConfigError, DataError, HeadraceError, TransientError

REDIRECTS_MAX = 5
ANSWER_BYTES = 64 * 1024 * 1024
DEADLINE_S = 60.0
CONNECT_S = 10.0
USER_AGENT = "headrace"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "range", "user-agent"})
"""Headers that another origin may see after a redirect; any other may be a credential, whatever its name."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_CHUNK = 64 * 1024


class Answer(Struct, frozen=True):
    """What came back.

    Attributes:
        status: HTTP status.
        headers: By lower-case name; several of a name are joined by commas.
        body: Unpacked.
        url: Where it came from in the end.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


class _Clock:
    """The moment until which a request may last; shared by a client and the streams below it."""

    def __init__(self) -> None:
        self.until = float("inf")

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.until

    def left(self, timeout: float | None) -> float:
        """Seconds left, at most `timeout`."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A stream that knows the deadline, so that an answer in drips does not outlive it."""

    def __init__(self, inner: httpcore2.NetworkStream, clock: _Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._clock.left(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Dials judged addresses only. Every connection passes here, whoever asked for it."""

    def __init__(self, policy: EgressPolicy | None, resolver: Resolver, clock: _Clock) -> None:
        self._policy = policy
        self._resolver = resolver
        self._clock = clock
        self._dial = httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:  # fmt: skip
        policy = current_policy() if self._policy is None else self._policy
        addresses = check_host(host, port, policy=policy, resolver=self._resolver)
        failed: Exception | None = None
        for address in addresses:
            try:
                stream = self._dial.connect_tcp(address, port, self._clock.left(timeout), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
                continue
            peer = stream.get_extra_info("server_addr")
            if peer and policy.verdict(host, port, str(peer[0]).partition("%")[0]) != "open":
                stream.close()
                raise httpcore2.ConnectError("connected to another address")
            return _Stream(stream, self._clock)
        raise failed or httpcore2.ConnectError("no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise httpcore2.ConnectError("sockets of this machine are not reached by HTTP")


@cache
def _trusted(authorities: str | None) -> ssl.SSLContext:  # noqa: ARG001 - httpx2 reads the file that it is called by
    """The authorities of the system: to read them takes longer than most requests."""
    return httpx2.create_ssl_context()


class EgressTransport(httpx2.HTTPTransport):
    """An httpx2 transport whose connections pass the door.

    Args:
        policy: Default: that of the process.
        resolver: Default: the system's.
        clock: Deadline shared with `EgressClient`.
        context: How certificates are checked; default: by the authorities of the system.
    """

    def __init__(
        self, policy: EgressPolicy | None = None, resolver: Resolver = system_resolver, clock: _Clock | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context or _trusted(os.environ.get("SSL_CERT_FILE")),
            max_connections=10, max_keepalive_connections=4, keepalive_expiry=15.0,
            network_backend=_Backend(policy, resolver, clock or _Clock()),
        )  # fmt: skip


class EgressClient:
    """Requests over one pool of connections. One object serves one thread; nothing is opened before first use.

    Args:
        policy: Default: that of the process.
        resolver: Default: the system's.
        answer_bytes: No answer is larger, unpacked.
        deadline_s: No request lasts longer, redirects included.
        context: How certificates are checked; default: by the authorities of the system.
    """

    def __init__(
        self, policy: EgressPolicy | None = None, *, resolver: Resolver = system_resolver,
        answer_bytes: int = ANSWER_BYTES, deadline_s: float = DEADLINE_S, context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._context = context
        self._policy = policy
        self._resolver = resolver
        self._answer_bytes = answer_bytes
        self._deadline_s = deadline_s
        self._clock = _Clock()
        self._transport: EgressTransport | None = None

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, str] | None = None, body: bytes | Callable[[], Iterable[bytes]] = b"",
        into: BinaryIO | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request and read its answer.

        Args:
            method: Upper case.
            url: With its query.
            headers: Sent to every hop of the same origin; another one gets what is harmless of them.
            credentials: Headers that only the origin of `url` may see.
            body: Sent as it is; a function gives it in pieces, anew for each hop.
            into: Takes the body of an answer below 300 piece by piece, instead of `Answer.body`.

        Raises:
            ConfigError: the address, or one it redirects to, is not allowed.
            TransientError: no answer, or not in time.
            DataError: the answer is larger than allowed or packed in a way nobody asked for.
        """
        self._clock.until = time.monotonic() + self._deadline_s
        place = check_url(url, policy=self._policy)
        home, sent = place.origin, dict(headers or {})
        for _ in range(REDIRECTS_MAX + 1):
            own = place.origin == home
            shown = (
                {**sent, **(credentials or {})} if own else {k: v for k, v in sent.items() if k.lower() in _HARMLESS}
            )
            answer, target = self._hop(method, place, shown, body, into)
            if not target:
                return answer
            place, before = self._next(place, target), place
            if answer.status == 303 or (answer.status in {301, 302} and method not in {"GET", "HEAD"}):
                method, body = "HEAD" if method == "HEAD" else "GET", b""
                sent = {name: value for name, value in sent.items() if not name.lower().startswith("content-")}
            if body and place.origin != before.origin:
                raise ConfigError(
                    f"'{before.host}' redirects what was sent to '{place.host}'; use that address", field="url"
                )
        raise ConfigError(f"'{home[1]}' redirects more than {REDIRECTS_MAX} times; use the final address", field="url")

    def _next(self, place: Place, target: str) -> Place:
        """Where a redirect leads; it passes the same checks."""
        absolute = target if _SCHEME.match(target) else urljoin(place.url, target)
        found = check_url(absolute, policy=self._policy)
        if place.scheme == "https" and found.scheme != "https":
            raise ConfigError(f"'{place.host}' redirects from https to http; that is not followed", field="url")
        return found

    def _hop(
        self, method: str, place: Place, headers: Mapping[str, str], body: bytes | Callable[[], Iterable[bytes]],
        into: BinaryIO | None,
    ) -> tuple[Answer, str]:  # fmt: skip
        """One request; the target of a redirect, else "". The body of a redirect is not read."""
        own = {"user-agent": USER_AGENT, "accept-encoding": "gzip", **{k.lower(): v for k, v in headers.items()}}
        limits = {"connect": CONNECT_S, "read": self._deadline_s, "write": self._deadline_s, "pool": CONNECT_S}
        try:
            content = body() if callable(body) else body
            request = httpx2.Request(
                method, place.url, headers=own, content=content or None, extensions={"timeout": limits}
            )
            if self._transport is None:
                self._transport = EgressTransport(self._policy, self._resolver, self._clock, self._context)
            response = self._transport.handle_request(request)
            try:
                target = response.headers.get("location", "") if response.status_code in _REDIRECTS else ""
                found = b"" if target or method == "HEAD" else self._read(response, place.host, into)
            finally:
                response.close()
        except HeadraceError:
            raise
        except httpx2.TimeoutException as error:
            raise TransientError(f"'{place.host}' did not answer in time", detail=repr(error)) from None
        except httpx2.TransportError as error:
            raise TransientError(
                f"'{place.host}' port {place.port} does not answer; check the address, and that the server runs",
                detail=repr(error),
            ) from None
        except (httpx2.InvalidURL, ValueError) as error:
            raise ConfigError(
                "the address or a header cannot be sent; correct it", detail=repr(error), field="url"
            ) from None
        return Answer(response.status_code, _headers(response), found, place.url), target

    def _read(self, response: httpx2.Response, host: str, into: BinaryIO | None) -> bytes:
        """The body, unpacked, within the limits; empty where `into` has taken it.

        Raises:
            DataError: it is too large, or packed in a way nobody asked for.
        """
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing not in {"", "identity", "gzip", "x-gzip"}:
            raise DataError(f"'{host}' answers in the encoding '{packing[:20]}', which was not asked for")
        parts: list[bytes] = []
        size = 0
        for part in _unpacked(response.iter_raw(_CHUNK), packed="gzip" in packing):
            size += len(part)
            if size > self._answer_bytes:
                raise DataError(
                    f"the answer of '{host}' is larger than {self._answer_bytes:,} bytes; ask for smaller pages"
                )
            if self._clock.passed:
                raise httpx2.ReadTimeout("the deadline has passed")
            if into is not None and response.status_code < 300:
                into.write(part)
            else:
                parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the connections; twice is fine."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _headers(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _unpacked(chunks: Iterator[bytes], *, packed: bool) -> Iterator[bytes]:
    """Chunks of at most 64 KiB, however strongly they were packed."""
    if not packed:
        yield from chunks
        return
    gzip = zlib.decompressobj(31)
    began = False
    try:
        for chunk in chunks:
            rest = chunk
            began = began or bool(chunk)
            while rest and not gzip.eof:
                yield gzip.decompress(rest, _CHUNK)
                rest = gzip.unconsumed_tail
        while began and not gzip.eof and (part := gzip.decompress(b"", _CHUNK)):
            yield part
    except zlib.error as error:
        raise DataError("the answer is damaged: it cannot be unpacked", detail=str(error)) from None
    if began and not gzip.eof:
        raise TransientError("the answer ended early; it is tried again")
