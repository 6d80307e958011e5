"""The door for mail: one SMTP server, named by the operator; encrypted unless it is on this machine."""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError, DataError, HeadraceError, TransientError

_TIMEOUT_S = 20
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"smtp": 587, "smtps": 465}


class MailServer(Struct, frozen=True):
    """Where mail goes."""

    host: str
    port: int
    user: str
    password: Secret
    sender: str
    tls: bool

    @classmethod
    def of(cls, url: Secret, sender: str) -> MailServer:
        """Read `smtps://user:password@host:465` or `smtp://user:password@host:587`.

        Raises:
            ConfigError: it is no such address, or the sender is none.
        """
        try:
            parts = urlsplit(url.reveal())
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            raise ConfigError("HEADRACE_SMTP_URL cannot be read as a URL") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError("HEADRACE_SMTP_URL must be smtps://user:password@host:465 or smtp://...:587")
        if "@" not in sender:
            raise ConfigError("HEADRACE_MAIL_FROM must be the sender's address, e.g. headrace@example.org")
        user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
        return cls(parts.hostname, port, user, password, sender, tls=parts.scheme == "smtps")


def send(server: MailServer, recipient: str, subject: str, text: str) -> None:
    """Hand one message to the server.

    Raises:
        DataError: the server refuses the recipient or the message for good.
        TransientError: it is away or busy.
        ConfigError: it refuses the password, or offers no encryption.
    """
    try:
        _deliver(server, _message(server, recipient, subject, text))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _translated(error) from None


def _message(server: MailServer, recipient: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    name, _, domain = recipient.rpartition("@")
    message["To"] = Address(username=name, domain=domain)
    message["From"], message["Subject"] = server.sender, subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=server.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _deliver(server: MailServer, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
        if server.tls
        else smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
    )
    with smtp:
        if not server.tls and server.host not in _LOOPBACK:
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password.reveal())
        smtp.send_message(message)


def _translated(error: Exception) -> HeadraceError:
    """What went wrong, without the server's own words about whom."""
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
        return ConfigError("the mail server refuses the sign-in or offers no encryption; check HEADRACE_SMTP_URL")
    if isinstance(error, ValueError):
        return DataError("the address cannot be written into a message", detail=type(error).__name__)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            return DataError("the mail server refuses the recipient", detail=str(codes))
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return DataError("the mail server refuses the message", detail=str(error.smtp_code))
    return TransientError("the mail server does not answer; it is tried again", detail=type(error).__name__)
