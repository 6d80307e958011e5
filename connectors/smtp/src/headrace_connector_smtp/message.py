"""A message of what a row says: nothing in it can add a header, an address or a recipient."""

from __future__ import annotations

import binascii
import html
import mimetypes
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses
from hashlib import sha256
from typing import Any

from headrace.sdk import ConfigError, DataError

from headrace_connector_smtp import Attachment, MessageInput

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def composed(sender: str, given: MessageInput, key: str) -> tuple[EmailMessage, list[str]]:
    """The message, and everybody it goes to.

    Args:
        sender: Address, or name and address.
        given: What to send.
        key: Of the effect; makes the message's id, so that a repeat can be told by who receives it.

    Raises:
        DataError: an address, an attachment or a field is none.
        ConfigError: the sender is no address.
    """
    message = EmailMessage()
    own = _addresses(sender, "sender")
    if len(own) != 1:
        raise ConfigError("the sender is not one address; correct it in the connection", field="sender")
    message["From"], message["Date"] = own[0], formatdate()
    message["Message-ID"] = f"<{sha256(key.encode()).hexdigest()[:32]}@{own[0].domain}>"
    message["Auto-Submitted"] = "auto-generated"
    people: list[str] = []
    for name, text in (("To", given.to), ("Cc", given.cc), ("Bcc", given.bcc), ("Reply-To", given.reply_to)):
        found = _addresses(text, name)
        if found and name != "Bcc":
            message[name] = found
        people += [one.addr_spec for one in found] if name != "Reply-To" else []
    if not people:
        raise DataError("the message has no recipient; give an address", column="to")
    subject = filled(given.subject, given.fields)
    if "\n" in subject or "\r" in subject:
        raise DataError("the subject has more than one line; correct it", column="subject")
    message["Subject"] = subject
    message.set_content(filled(given.text, given.fields))
    if given.html:
        message.add_alternative(filled(given.html, given.fields, html.escape), subtype="html")
    for attachment in given.attachments:
        _attach(message, attachment)
    return message, list(dict.fromkeys(people))


def filled(text: str, fields: Mapping[str, Any], written: Callable[[str], str] = str) -> str:
    """A text with its `{fields}`.

    Raises:
        DataError: there is no such field.
    """

    def put(found: re.Match[str]) -> str:
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        if found[1] not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise DataError(f"there is no field '{found[1]}' for the message; there is {known}", column="fields")
        value = fields[found[1]]
        return "" if value is None else written(str(value))

    return _FIELD.sub(put, text) if fields else text


def _addresses(text: str, name: str) -> list[Address]:
    if not text.isprintable():
        raise DataError(f"the text for {name} holds a line break, so it is no address; correct it", column=name.lower())
    try:
        return [Address(display_name=who, addr_spec=where) for who, where in getaddresses([text]) if who or where]
    except (ValueError, IndexError, HeaderParseError):
        raise DataError(f"'{text[:100]}' is no address for {name}; correct it", column=name.lower()) from None


def _attach(message: EmailMessage, given: Attachment) -> None:
    kind = given.media_type or mimetypes.guess_type(given.name)[0] or "application/octet-stream"
    main, _, sub = kind.partition("/")
    try:
        content = b64decode(given.base64, validate=True) if given.base64 else given.text.encode()
        message.add_attachment(content, maintype=main, subtype=sub or "octet-stream", filename=given.name)
    except (binascii.Error, ValueError):
        raise DataError(
            f"the attachment '{given.name[:100]}' has no base64 or a bad name", column="attachments"
        ) from None
