"""A feed's XML as records; RSS 2.0, RSS 1.0 and Atom give the same fields."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from headrace.sdk import ConfigError

ATOM = "{http://www.w3.org/2005/Atom}"
_SPACES = ("", "{http://purl.org/rss/1.0/}", ATOM)
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


def entries(body: bytes, host: str) -> list[dict[str, Any]]:
    """Entries of a feed, in its order; no entity of the document is followed.

    Raises:
        ConfigError: it is no feed.
    """
    try:
        root = fromstring(body, forbid_dtd=False)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ConfigError(
            f"'{host}' answers with no feed; correct the address", detail=repr(error), field="url"
        ) from None
    if root.tag == f"{ATOM}feed":
        return [_atom(entry) for entry in root.iter(f"{ATOM}entry")]
    items = [item for space in _SPACES for item in root.iter(f"{space}item")]
    if not items and root.tag not in {"rss", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF"}:
        raise ConfigError(f"'{host}' answers with XML that is no feed; correct the address", field="url")
    return [_item(item) for item in items]


def _atom(entry: Element) -> dict[str, Any]:
    links = {link.get("rel", "alternate"): link.get("href", "") for link in entry.findall(f"{ATOM}link")}
    link = links.get("alternate") or next(iter(links.values()), "")
    published = _iso(_text(entry, f"{ATOM}published"))
    made = {
        "title": _text(entry, f"{ATOM}title"), "link": link or None,
        "author": _text(entry, f"{ATOM}author/{ATOM}name"), "summary": _text(entry, f"{ATOM}summary"),
        "content": _text(entry, f"{ATOM}content"), "published": published,
        "updated": _iso(_text(entry, f"{ATOM}updated")) or published,
        "categories": [tag.get("term", "") for tag in entry.findall(f"{ATOM}category")],
    }  # fmt: skip
    return {"id": _text(entry, f"{ATOM}id") or link or _digest(made), **made}


def _item(item: Element) -> dict[str, Any]:
    published = _date(_any(item, "pubDate") or _text(item, f"{_DC}date"))
    link = _any(item, "link")
    made = {
        "title": _any(item, "title"), "link": link, "author": _any(item, "author") or _text(item, f"{_DC}creator"),
        "summary": _any(item, "description"), "content": _text(item, _CONTENT), "published": published,
        "updated": published, "categories": [tag.text or "" for tag in _all(item, "category")],
    }  # fmt: skip
    return {"id": _any(item, "guid") or link or _digest(made), **made}


def _all(item: Element, name: str) -> Iterable[Element]:
    return [found for space in _SPACES for found in item.findall(f"{space}{name}")]


def _any(item: Element, name: str) -> str | None:
    return next((text for space in _SPACES if (text := _text(item, f"{space}{name}"))), None)


def _text(item: Element, path: str) -> str | None:
    found = item.find(path)
    text = "".join(found.itertext()).strip() if found is not None else ""
    return text or None


def _date(text: str | None) -> str | None:
    """A date as mail writes it, or as ISO does; one that is neither stays, and is rejected with its words."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return _iso(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _iso(text: str | None) -> str | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _digest(made: dict[str, Any]) -> str:
    return sha256(repr(sorted(made.items(), key=lambda one: one[0])).encode()).hexdigest()[:32]
