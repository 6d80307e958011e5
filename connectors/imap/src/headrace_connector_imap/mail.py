"""A mail as a row and files, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from headrace.sdk import EventFile

TEXT_MAX = 1_000_000
"""Characters of a body; what is longer is cut, and `truncated` says so."""
_MALFORMED = (ValueError, LookupError, AttributeError, TypeError)
"""What the parser of the standard library raises for headers and bodies that no standard allows."""


def row_of(raw: bytes) -> tuple[dict[str, Any], list[EventFile]]:
    """Headers and bodies of a mail, and its attachments."""
    mail: Any = message_from_bytes(raw, policy=policy.default)
    text, html = _body(mail, "plain"), _body(mail, "html")
    row = {
        "message_id": _header(mail, "message-id"), "from": _header(mail, "from"), "to": _header(mail, "to"),
        "cc": _header(mail, "cc"), "reply_to": _header(mail, "reply-to"), "subject": _header(mail, "subject"),
        "date": _date(mail), "text": text[:TEXT_MAX], "html": html[:TEXT_MAX],
        "headers": {name.lower(): _header(mail, name) for name in dict.fromkeys(mail.keys())},
        "truncated": max(len(text), len(html)) > TEXT_MAX,
    }  # fmt: skip
    return row, list(_files(mail))


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return ", ".join(_clean(str(value)) for value in mail.get_all(name, []))
    except _MALFORMED:
        raw = [value for key, value in mail.raw_items() if key.lower() == name.lower()]
        return ", ".join(_clean(str(value)) for value in raw)


def _date(mail: Any) -> str | None:
    try:
        return str(mail["date"].datetime.isoformat())
    except _MALFORMED:
        return None


def _body(mail: EmailMessage, kind: str) -> str:
    try:
        part: Any = mail.get_body((kind,))
    except _MALFORMED:
        return ""
    if part is None:
        return ""
    try:
        return _clean(part.get_content())
    except _MALFORMED:
        return _clean((part.get_payload(decode=True) or b"").decode(errors="replace"))


def _files(mail: EmailMessage) -> Iterator[EventFile]:
    try:
        parts = list(mail.iter_attachments())
    except _MALFORMED:
        return
    for number, part in enumerate(parts, 1):
        content: Any = part.get_payload(decode=True)
        if content is None:  # a mail within the mail
            content = b"".join(inner.as_bytes() for inner in part.iter_parts())
        try:
            name = _clean(part.get_filename() or "")
        except _MALFORMED:
            name = ""
        yield EventFile(name=name or f"attachment-{number}", media_type=part.get_content_type(), content=content)


def _clean(text: str) -> str:
    """Text that is text: what could not be decoded is marked, and lines are not broken."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
