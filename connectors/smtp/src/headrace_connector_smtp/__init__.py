"""SMTP: sends e-mail."""

from typing import Annotated, Literal

from headrace.sdk import Action, Config, ConnectorManifest, Effect, Field, Secret, hookimpl, lazy
from msgspec import Struct

DOCS = """A text with `{column}` in it is filled from the row; write `{{` for a brace. Mail cannot be taken back or told
apart from its repeat: when a step is repeated after a crash, mail that was sent is sent again."""


class SmtpConfig(Config, kw_only=True):
    """How to reach the mail server."""

    host: Annotated[str, Field("Host", examples=["smtp.example.org"], min_length=1, order=0)]
    port: Annotated[int, Field("Port", "0 takes the usual one, 465 or 587.", ge=0, le=65_535, order=1)] = 0
    security: Annotated[
        Literal["tls", "starttls", "none"],
        Field("Encryption", "From the first byte, or after STARTTLS; none is for a server on this machine.", order=2),
    ] = "tls"
    user: Annotated[str, Field("User", "Empty where nobody signs in.", order=3)] = ""
    password: Annotated[Secret, Field("Password", order=4)] = Secret("")
    sender: Annotated[str, Field("Sender", examples=["Headrace <flows@example.org>"], min_length=3, order=5)]
    authority: Annotated[
        str, Field("Certificate authority", "PEM of a private one; empty trusts those of the system.",
                   widget="textarea", advanced=True, order=6)
    ] = ""  # fmt: skip


class Attachment(Struct, forbid_unknown_fields=True):
    """A file: its name, and its content as text or as base64."""

    name: str
    text: str = ""
    base64: str = ""
    media_type: str = ""


class MessageInput(Config, kw_only=True):
    """A message."""

    to: Annotated[str, Field("To", "Addresses, separated by commas.", examples=["ann@example.org"], order=0)]
    subject: Annotated[str, Field("Subject", max_length=900, order=1)]
    text: Annotated[str, Field("Text", widget="textarea", order=2)] = ""
    html: Annotated[str, Field("HTML", "Beside the text.", widget="textarea", advanced=True, order=3)] = ""
    cc: Annotated[str, Field("Copy", advanced=True, order=4)] = ""
    bcc: Annotated[str, Field("Blind copy", advanced=True, order=5)] = ""
    reply_to: Annotated[str, Field("Reply to", advanced=True, order=6)] = ""
    fields: Annotated[
        dict[str, str | int | float | bool | None],
        Field("Fields", "What `{name}` in subject, text and HTML stands for.", widget="json", advanced=True, order=7),
    ] = {}
    attachments: Annotated[
        list[Attachment],
        Field("Attachments", "Files: name, and text or base64.", widget="json", advanced=True, order=8),
    ] = []


class MessageOutput(Struct):
    """The message as the server took it."""

    message_id: str
    recipients: int


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    send = Action(id="send", title="Send an e-mail", input=MessageInput, output=MessageOutput, effect=Effect.CREATE)
    return [
        ConnectorManifest(
            id="smtp", title="E-mail (SMTP)", category="business_apps", summary="Sends e-mail", config=SmtpConfig,
            factory=lazy("headrace_connector_smtp.connector:SmtpConnector"), actions=(send,), docs=DOCS, waits=True,
            capabilities=frozenset(), icon="lucide:send", proof="real server",
        )
    ]  # fmt: skip
