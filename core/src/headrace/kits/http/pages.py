"""Walking through pages: every way ends on its own; a service that repeats itself is not followed for ever."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import urljoin

from msgspec import Struct

from headrace.kits.http.parts import Link, Offset, PageNumber, Pages, Token
from headrace.kits.http.records import dig
from headrace.sdk.errors import ConfigError

_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^,;<]+)*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";]*\s)?next(?:\s[^\";]*)?\"?\s*(?:;|$)", re.IGNORECASE)


class Page(Struct, frozen=True):
    """One answer.

    Attributes:
        data: Decoded.
        records: What it holds.
        body: As it came, for comparing.
        link: The header `Link`.
        url: Where it came from.
    """

    data: Any
    records: list[Any]
    body: bytes
    link: str
    url: str


Ask: TypeAlias = Callable[[dict[str, Any], str], Page]
"""Fetches a page: with these parameters, or (when given) from this URL."""


def walk(kind: Pages | None, ask: Ask) -> Iterator[list[Any]]:
    """Records page by page; empty pages are not given.

    Raises:
        ConfigError: the service sends the same page again, or a link or token is not where it should be.
    """
    match kind:
        case None:
            pages: Iterator[Page] = iter([ask({}, "")])
        case PageNumber():
            pages = _numbered(kind, ask)
        case Offset():
            pages = _offset(kind, ask)
        case Link():
            pages = _linked(kind, ask)
        case Token():
            pages = _tokens(kind, ask)
    return (page.records for page in pages if page.records)


def _size(kind: PageNumber | Offset | Link | Token) -> dict[str, Any]:
    return {kind.size_param: kind.size} if kind.size_param and kind.size else {}


def _until_empty(ask: Ask, params: Callable[[int, int], dict[str, Any]], name: str) -> Iterator[Page]:
    """Pages by number or offset. A 404 after the first page is how some services say that there are no more."""
    before, pages, rows = b"", 0, 0
    while True:
        try:
            page = ask(params(pages, rows), "")
        except ConfigError as error:
            if pages and error.details.get("status") == 404:
                return
            raise
        if not page.records:
            return
        digest = hashlib.blake2b(page.body, digest_size=16).digest()
        if digest == before:
            raise ConfigError(
                f"page {pages + 1} is the same as the one before; does the service take '{name}'?", field="pages"
            )
        yield page
        before, pages, rows = digest, pages + 1, rows + len(page.records)


def _numbered(kind: PageNumber, ask: Ask) -> Iterator[Page]:
    size = _size(kind)
    return _until_empty(ask, lambda pages, _: {**size, kind.page_param: kind.start + pages}, kind.page_param)


def _offset(kind: Offset, ask: Ask) -> Iterator[Page]:
    size = _size(kind)
    return _until_empty(ask, lambda _, rows: {**size, kind.offset_param: rows}, kind.offset_param)


def _linked(kind: Link, ask: Ask) -> Iterator[Page]:
    page = ask(_size(kind), "")
    seen = {page.url}
    while True:
        yield page
        found = dig(page.data, kind.next, missing=None) if kind.next else next_link(page.link)
        if not found:
            return
        if not isinstance(found, str):
            raise ConfigError(
                f"'{kind.next}' of the answer is no link; correct where the next page is named", field="pages"
            )
        url = urljoin(page.url, found)
        if url in seen:
            raise ConfigError("the service names a page as the next one that has been there", field="pages")
        seen.add(url)
        page = ask({}, url)


def _tokens(kind: Token, ask: Ask) -> Iterator[Page]:
    page = ask(_size(kind), "")
    seen: set[str] = set()
    while True:
        yield page
        if kind.more and not dig(page.data, kind.more, missing=False):
            return
        token = _token(kind, page)
        if token is None or token == "" or token is False:
            return
        if not isinstance(token, str | int) or str(token) in seen:
            where = f"'{kind.last}' of the last record" if kind.last else f"'{kind.next}' of the answer"
            raise ConfigError(f"{where} is no new page token; correct where it is", field="pages")
        seen.add(str(token))
        page = ask({**_size(kind), kind.token_param: token}, "")


def _token(kind: Token, page: Page) -> Any:
    if not kind.last:
        return dig(page.data, kind.next, missing=None)
    return dig(page.records[-1], kind.last, missing=None) if page.records else None


def next_link(header: str) -> str:
    """The target of `rel="next"` in a `Link` header, else ""."""
    return next((target for target, params in _LINK.findall(header) if _NEXT.search(params)), "")
