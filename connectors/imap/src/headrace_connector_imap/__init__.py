"""IMAP: a mailbox, and the trigger that starts flows with mail that arrives."""

from typing import Annotated, Literal

from headrace.sdk import Column, Config, ConnectorManifest, DataType, Field, Secret, TriggerType, hookimpl, lazy

from headrace_connector_imap.inbox_config import InboxConfig

DOCS = """The link is encrypted, and the server's certificate is checked. Where a provider wants it, make an app
password for headrace: the password of the account is refused there."""

INBOX = """Mail is known by the number that the server gives it, so each one that arrives starts exactly one execution.
It is marked or moved only once that execution is stored. Attachments are files in the object store; `attachments` has
their keys, `refused` has those that are too large, too many or of a type that you do not allow, each with its reason.
Types are what the mail says they are: look into a file before you trust it.

Mail above the size that you allow comes with its headers only, and `truncated` says so."""


class ImapConfig(Config, kw_only=True):
    """How to reach the mailbox."""

    host: Annotated[str, Field("Host", examples=["imap.example.org"], min_length=1, order=0)]
    port: Annotated[int, Field("Port", "0 takes the usual one, 993 or 143.", ge=0, le=65_535, order=1)] = 0
    user: Annotated[str, Field("User", min_length=1, order=2)]
    password: Annotated[Secret, Field("Password", order=3)]
    security: Annotated[
        Literal["tls", "starttls"], Field("Encryption", "From the first byte, or after STARTTLS.", order=4)
    ] = "tls"
    authority: Annotated[
        str, Field("Certificate authority", "PEM of a private one; empty trusts those of the system.",
                   widget="textarea", advanced=True, order=5)
    ] = ""  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="imap", title="E-mail (IMAP)", category="business_apps", summary="A mailbox that is read",
            config=ImapConfig, factory=lazy("headrace_connector_imap.connector:ImapConnector"),
            capabilities=frozenset(), icon="lucide:mail", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the trigger on mail."""
    texts = ("message_id", "from", "to", "cc", "subject", "date", "received_at", "text", "html")
    return [
        TriggerType(
            id="email", title="E-mail received", mode="source", kind="email", config=InboxConfig, icon="lucide:mail",
            factory=lazy("headrace_connector_imap.inbox:Inbox"), columns=tuple(Column(n, DataType.TEXT) for n in texts),
            tags=("mail", "imap", "inbox", "message"), summary="Starts with each mail that arrives in a folder.",
            docs=INBOX,
        )
    ]  # fmt: skip
