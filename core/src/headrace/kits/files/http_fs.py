"""Filesystems over HTTP: every byte leaves by the egress door. A store brings its addresses, lists and signatures.

The vendors' SDKs open sockets by themselves, look names up again and read credentials of the machine; so the few calls
that files need are made here.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote, unquote

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import AuthError, ConfigError, DataError, TransientError

PART_BYTES = 16 * 2**20
PARTS_MAX = 9_000
ATTEMPTS = 5
WAIT_S = 0.2
Body: TypeAlias = bytes | Callable[[], Iterable[bytes]]
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Base of the filesystems over HTTP. One object serves one thread; nothing is opened before first use.

    Attributes:
        objects: A file shows when it is whole; there are no folders.
        ranged: Parts of a file can be read.
        pinned: A read fails where the file is no longer the same; else a copy is compared with what there is after it.
        guarded: `put_file` takes `same`, the etag of what it may replace.
    """

    cachable = False
    objects = False
    ranged = True
    pinned = True
    guarded = False

    def __init__(self, base_url: str) -> None:
        super().__init__(skip_instance_cache=True)
        place = check_url(base_url)
        self.host, self.base = place.host, place.url.partition("?")[0].rstrip("/")
        self._calls = EgressClient(deadline_s=300)
        self._loads = EgressClient(deadline_s=4 * 3600, answer_bytes=2**50)

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with the credentials of a request."""
        return {}

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"{self.base}/{quote(path.strip('/'), safe='/-_.~')}"

    def unchanged(self, url: str, facts: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Address and headers of a read that fails where the file is no longer the same."""
        etag = str(facts.get("etag") or "")
        return url, {"if-match": etag} if etag and not etag.startswith("W/") else {}

    def once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body = b"",
        into: BinaryIO | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request; the answer is below 300, or 308.

        Raises:
            AuthError, ConfigError, DataError, TransientError, FileNotFoundError: by its status.
        """
        sent = {"accept-encoding": "identity", **(headers or {})}
        client = self._calls if into is None else self._loads
        answer = client.request(
            method, url, headers=sent, credentials=self.sign(method, url, body, sent), body=body, into=into
        )
        if answer.status < 300 or answer.status == 308:
            return answer
        raise self.refused(answer, method)

    def refused(self, answer: Answer, method: str) -> Exception:
        """The error of an answer."""
        said = answer.body[:1_000].decode(errors="replace")
        if answer.status in {404, 410}:
            return FileNotFoundError(answer.url)
        if answer.status in {401, 403}:
            return AuthError(
                f"'{self.host}' refuses the credentials, or they do not allow it; check them and their rights",
                detail=said, status=answer.status,
            )  # fmt: skip
        if answer.status in _BUSY:
            wait = answer.headers.get("retry-after", "")
            return TransientError(
                f"'{self.host}' is busy (status {answer.status}); it is tried again", detail=said,
                retry_after_s=float(wait) if wait.isdigit() else None,
            )  # fmt: skip
        if answer.status == 412:
            return DataError("the file was changed while it was read; start again", detail=answer.url)
        return ConfigError(
            f"'{self.host}' refuses the request (status {answer.status}); check address, region and bucket or folder",
            detail=said, status=answer.status,
        )  # fmt: skip

    def call(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body = b"") -> Answer:
        """Send a request whose repeat has no second effect; again while the server is away."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.once(method, url, headers=headers, body=body)
            except TransientError as error:
                if attempt == ATTEMPTS:
                    raise
                pause(attempt, error.retry_after_s)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Bytes of a file; `facts` is what it must still be."""
        url, same = self.unchanged(self.url(path), kwargs.get("facts", {}))
        if start is None and end is None:
            return self.call("GET", url, headers=same).body
        first = start or 0
        if end is not None and end <= first:
            return b""
        headers = {"range": f"bytes={first}-{'' if end is None else end - 1}", **same}
        answer = self.call("GET", url, headers=headers)
        return answer.body if answer.status == 206 else answer.body[first:end]

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        """Copy a file to this machine; a broken link goes on where it broke, if the file is still the same."""
        facts = self.info(rpath)
        size = facts["size"]
        failed = 0
        with Path(lpath).open("wb") as out:
            while size is None or out.tell() < size:
                at = out.tell()
                headers = {"range": f"bytes={at}-"} if at else {}
                url, same = self.unchanged(self.url(rpath), facts)
                try:
                    answer = self.once("GET", url, headers=headers | same, into=out)
                except TransientError as error:
                    failed = 1 if out.tell() > at else failed + 1
                    if failed >= ATTEMPTS:
                        raise
                    if size is None or not self.ranged:
                        out.seek(0)
                        out.truncate()
                    pause(failed, error.retry_after_s)
                    continue
                if size is None or (at and answer.status != 206):
                    break
            if size is not None and out.tell() != size:
                raise TransientError(f"'{self.host}' gave {out.tell()} bytes instead of {size}; it is tried again")

    def pieces(self, path: Path, size: int) -> Iterable[bytes]:
        """A file of this machine in parts of equal size, few enough for any store."""
        step = max(PART_BYTES, -(-size // PARTS_MAX // 2**18) * 2**18)
        with path.open("rb") as file:
            while part := file.read(step):
                yield part

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode != "rb":
            raise NotImplementedError("files are written whole, by put_file")
        return RangedFile(self, path, "rb", **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Objects have no folders."""

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether there is a file or folder; a server that is away is no answer."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Hang up; the next call opens again."""
        self._calls.close()
        self._loads.close()


class RangedFile(AbstractBufferedFile):  # type: ignore[misc]
    """A file read by ranges, as long as it stays the same."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        data: bytes = self.fs.cat_file(self.path, start, end, facts=self.details)
        return data


def pause(attempt: int, retry_after_s: float | None = None) -> None:
    """Wait before another attempt; at most a minute."""
    time.sleep(min(retry_after_s if retry_after_s is not None else WAIT_S * 2**attempt, 60))


def basic_or_bearer(user: str, password: str, token: str) -> dict[str, str]:
    """The header of simple credentials; none where there are none."""
    if token:
        return {"authorization": f"Bearer {token}"}
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {pair}"} if user else {}


def header_facts(path: str, answer: Answer) -> dict[str, Any]:
    """What the headers of an answer tell of a file."""
    headers = answer.headers
    length, changed = headers.get("content-length"), headers.get("last-modified")
    return {
        "name": path, "type": "file", "size": int(length) if length is not None else None,
        "mtime": parsedate_to_datetime(changed) if changed else None, "etag": headers.get("etag", ""),
    }  # fmt: skip


def parsed_xml(body: bytes) -> Any:
    """An XML answer; no entity and no outer file is read."""
    from lxml import etree

    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise ConfigError("the server's answer is no list of files; check the address", detail=str(error)) from None


def text_at(element: Any, name: str) -> str:
    """The text of a child by its local name, at any depth; empty if there is none."""
    found = next(element.iter(f"{{*}}{name}"), None)
    return "" if found is None else found.text or ""


def decoded(path: str) -> str:
    """A path of an answer, without percent signs."""
    return unquote(path)
