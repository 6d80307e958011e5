"""Mail against a real server (dovecot): each once, marked only after it is stored, whatever is wrong with it."""

from __future__ import annotations

import imaplib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError, config_schema, file_key, parse_config
from headrace_connector_imap import headrace_triggers

PASSWORD = "r1ght-p4ssword"
REGISTRY = load_plugins(only=["connector-imap"], strict=True).registry
(TYPE,) = headrace_triggers()


class Server:
    """A dovecot of this test session, and its only mailbox as the one who fills it sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, [free_port(), free_port()]
        self.authority = certificate(folder)

    def mailbox(self) -> imaplib.IMAP4:
        context = ssl.create_default_context(cadata=self.authority)
        link = imaplib.IMAP4_SSL("localhost", self.ports[0], ssl_context=context)
        link.login("ann", PASSWORD)
        return link

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        with self.mailbox() as link:
            assert link.append(folder, "", "", raw)[0] == "OK"

    def flags(self, folder: str = "INBOX") -> list[bytes]:
        with self.mailbox() as link:
            if link.select(folder, readonly=True)[1] == [b"0"]:
                return []
            return [bytes(one) for one in link.fetch("1:*", "(FLAGS)")[1] if one]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def certificate(folder: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + timedelta(days=9))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    return pem.decode()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Server]:
    binary = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None or os.geteuid() != 0:
        reason = "no dovecot that this user may start; apt-get install dovecot-imapd, and be root"
        promised = os.environ.get("HEADRACE_CI_SERVICES", "").replace(" ", "").split(",")
        pytest.fail(reason) if os.environ.get("CI") == "true" and "dovecot" in promised else pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="headrace-dovecot-"))  # its processes are other users, who pass through
    folder.chmod(0o755)
    server = Server(folder)
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "mail", "mail")
    config = folder / "dovecot.conf"
    config.write_text(f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1, 127.0.0.2
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 8
first_valid_gid = 8
default_vsz_limit = 1 G
passdb {{
  driver = static
  args = password={PASSWORD} user=ann
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {server.ports[1]}
  }}
  inet_listener imaps {{
    port = {server.ports[0]}
  }}
}}
""")
    process = subprocess.Popen([binary, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", server.ports[0]), timeout=1).close()
                break
            except OSError:
                said = (folder / "log").read_text() if (folder / "log").exists() else ""
                assert process.poll() is None, said
                assert time.monotonic() < end, said
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def box(dovecot: Server) -> Server:
    """The mailbox, emptied: INBOX and Done."""
    with dovecot.mailbox() as link:
        link.create("Done")
        for folder in ("INBOX", "Done"):
            assert link.select(folder)[0] == "OK", (dovecot.folder / "log").read_text()
            if link.search(None, "ALL")[1][0]:
                link.store("1:*", "+FLAGS", "\\Deleted")
                link.expunge()
    return dovecot


def config_of(server: Server, **changes: Any) -> dict[str, Any]:
    return {"host": "localhost", "port": server.ports[0], "user": "ann", "password": PASSWORD,
            "authority": server.authority, **changes}  # fmt: skip


class Context:
    """One connection, and the identity of a trigger."""

    trigger_id = "t1"

    def __init__(self, server: Server, **changes: Any) -> None:
        self.opened = REGISTRY.connector("imap").open(config_of(server, **changes))
        OPENED.append(self.opened)

    def connector(self, connection: str) -> Any:
        return self.opened

    def log(self, message: str, **fields: Any) -> None:
        pass


OPENED: list[Any] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def source(**config: Any) -> Any:
    return TYPE.factory.load()(parse_config(TYPE.config, {"connection": "box", **config}), None)  # type: ignore[union-attr]


def mail(subject: str, text: str = "Hello", sender: str = "bob@example.org") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "ann@example.org", subject
    made["Message-ID"], made["Date"] = f"<{subject.encode().hex()}@x>", "Fri, 02 Jan 2026 03:04:05 +0100"
    made.set_content(text)
    return made


def look(watcher: Any, ctx: Context, cursor: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Events until there are no more, and the place after them."""
    events: list[Any] = []
    while True:
        received = watcher.receive(ctx, cursor, wait_s=0)
        events += received.events
        cursor = msgspec.json.decode(msgspec.json.encode(received.cursor))
        if not received.more:
            return events, cursor


def subjects(events: list[Any]) -> list[str]:
    return [event.rows[0]["subject"] for event in events]


def test_each_mail_comes_once_from_now_on(box):
    box.put(mail("old").as_bytes())
    ctx, watcher = Context(box), source()
    found, place = look(watcher, ctx, {})
    assert found == []
    assert look(watcher, ctx, place) == ([], place)
    for number in range(5):
        box.put(mail(f"new {number}").as_bytes())
    found, after = look(source(batch=2), ctx, place)
    assert subjects(found) == [f"new {number}" for number in range(5)]
    assert len({event.key for event in found}) == 5
    assert look(watcher, ctx, after) == ([], after)
    again, _ = look(watcher, ctx, place)
    assert [event.key for event in again] == [event.key for event in found], "delivered twice, it is the same event"
    assert not any(b"Seen" in one for one in box.flags())
    assert subjects(look(source(first="all"), ctx, {})[0]) == ["old", *subjects(found)]


def test_headers_texts_and_attachments(box):
    made = mail("Grüße 😀", "plain text")
    made.add_alternative("<p>html</p>", subtype="html")
    made.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="Zahlen für 2026.csv")
    made.add_attachment(mail("inner"))
    box.put(made.as_bytes())
    ((event,), _) = look(source(first="all"), Context(box), {})
    row = msgspec.json.decode(msgspec.json.encode(event.rows[0]))
    assert (row["from"], row["to"], row["subject"]) == ("bob@example.org", "ann@example.org", "Grüße 😀")
    assert row["date"] == "2026-01-02T03:04:05+01:00"
    assert (row["text"].strip(), row["html"].strip()) == ("plain text", "<p>html</p>")
    assert row["headers"]["message-id"] == row["message_id"]
    assert [(one["name"], one["media_type"], one["size_bytes"]) for one in row["attachments"]] == [
        ("Zahlen für 2026.csv", "text/csv", 8), ("attachment-2", "message/rfc822", len(event.files[1].content)),
    ]  # fmt: skip
    assert event.files[0].content == b"a,b\n1,2\n"
    assert b"Subject: inner" in event.files[1].content
    assert row["attachments"][0]["key"] == file_key("t1", event.key, 0)
    assert row["truncated"] is False


@pytest.mark.parametrize(("config", "kept", "refused"), [
    ({}, ["a.PDF", "b.csv", "c.exe"], {}),
    ({"attachment_types": ["application/*", ".pdf", ".csv"]}, ["a.PDF"], {
        "b.csv": ("TYPE_REFUSED", "files of type text/csv are not allowed here"),
        "c.exe": ("TYPE_REFUSED", "files without the ending .pdf or .csv are not allowed here"),
    }),
    ({"attachment_max_mb": 0.001}, ["a.PDF", "c.exe"], {"b.csv": ("TOO_LARGE", "it is larger than 0.001 MB")}),
    ({"attachments_max": 2}, ["a.PDF", "b.csv"], {
        "c.exe": ("TOO_MANY", "the mail has more than 2 allowed attachments"),
    }),
])  # fmt: skip
def test_attachments_that_are_not_allowed_are_told_with_their_reason(box, config, kept, refused):
    made = mail("with files")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.PDF")
    made.add_attachment(b"x" * 1_001, maintype="text", subtype="csv", filename="b.csv")
    made.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="c.exe")
    box.put(made.as_bytes())
    ((event,), _) = look(source(first="all", **config), Context(box), {})
    row = event.rows[0]
    assert [one.name for one in event.files] == [one["name"] for one in row["attachments"]] == kept
    assert [one["key"] for one in row["attachments"]] == [file_key("t1", event.key, n) for n in range(len(kept))]
    assert {one["name"]: (one["code"], one["reason"]) for one in row["refused"]} == refused
    assert len(kept) + len(refused) == 3


@pytest.mark.parametrize("pattern", ["pdf", "*/*", "image/", ".a.b", ""])
def test_what_is_no_type_is_refused_at_once(pattern):
    with pytest.raises(ConfigError, match="attachment_types"):
        source(attachment_types=[pattern])


def test_mail_that_no_standard_allows_comes_as_far_as_it_can_be_read(box):
    broken = (
        b"From: \xff\xfe <not-an-address\r\nSubject: =?utf-8?B?!!!?= \x00 =?nope?Q?=ff?=\r\nDate: yesterday\r\n"
        b"Content-Type: text/plain; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n"
    )
    box.put(broken.replace(b"\x00", b""))
    box.put(b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno parts at all\r\n")
    found, _ = look(source(first="all"), Context(box), {})
    rows = msgspec.json.decode(msgspec.json.encode([event.rows[0] for event in found]))
    assert len(rows) == 2
    assert rows[0]["text"].strip() == "Hello"
    assert rows[0]["date"] is None


def test_filters(box):
    for subject, sender in (("Invoice 1", "shop@example.org"), ("invoice 2", "other@example.org"), ("x", "shop@x.org")):
        box.put(mail(subject, sender=sender).as_bytes())
    box.put(mail("Rechnung für März").as_bytes())
    ctx = Context(box)
    assert subjects(look(source(first="all", subject="INVOICE"), ctx, {})[0]) == ["Invoice 1", "invoice 2"]
    assert subjects(look(source(first="all", sender="shop@"), ctx, {})[0]) == ["Invoice 1", "x"]
    assert subjects(look(source(first="all", subject="für März"), ctx, {})[0]) == ["Rechnung für März"]
    with box.mailbox() as link:
        link.select("INBOX")
        link.store("1:2", "+FLAGS", "\\Seen")
    found, place = look(source(first="all", unseen=True), ctx, {})
    assert subjects(found) == ["x", "Rechnung für März"]
    assert place["uid"] == look(source(first="all"), ctx, {})[1]["uid"], "what is not for us is passed over"


@pytest.mark.parametrize("after", ["seen", "move"])
def test_it_is_marked_only_once_it_is_stored_and_then_surely(box, after):
    box.put(mail("one").as_bytes())
    ctx, config = Context(box), {"first": "all", "after": after, "target": "Done"}
    begun = source(**config).receive(ctx, {}, wait_s=0).cursor
    received = source(**config).receive(ctx, begun, wait_s=0)
    assert subjects(received.events) == ["one"]
    assert not any(b"Seen" in one for one in box.flags()), "not stored: not marked"
    assert len(box.flags()) == 1
    again = source(**config).receive(ctx, begun, wait_s=0)
    assert [event.key for event in again.events] == [event.key for event in received.events]
    found, place = look(source(**config), ctx, dict(again.cursor))
    assert found == []
    assert "after" not in place
    if after == "seen":
        assert b"Seen" in box.flags()[0]
    else:
        assert (len(box.flags()), len(box.flags("Done"))) == (0, 1)
    assert look(source(**config), ctx, dict(again.cursor))[0] == [], "twice is once"


def test_large_mail_comes_with_its_headers_only(box):
    box.put(mail("large", "x" * 30_000).as_bytes())
    ((event,), _) = look(source(first="all", max_mb=0.01), Context(box), {})
    row = event.rows[0]
    assert (row["subject"], row["text"], row["truncated"]) == ("large", "", True)
    assert row["size_bytes"] > 30_000


def test_a_folder_that_is_numbered_anew_gives_what_arrived_since(box):
    box.put(mail("before").as_bytes())
    ctx = Context(box)
    _, place = look(source(first="all"), ctx, {})
    time.sleep(1.1)  # the server tells arrival in whole seconds
    box.put(mail("later").as_bytes())
    found, _ = look(source(), ctx, {**place, "validity": place["validity"] - 1, "uid": 900})
    assert subjects(found) == ["later"]


@pytest.mark.parametrize(("changes", "kind", "said"), [
    ({"password": "wr0ng-p4ssword"}, AuthError, "the mailbox 'ann' on localhost refuses the user or the password"),
    ({"authority": ""}, ConfigError, "the certificate of localhost is not trusted"),
    ({"authority": "nonsense"}, ConfigError, "the certificate authority is no PEM text"),
    ({"host": "nowhere.invalid"}, (ConfigError, TransientError), "nowhere.invalid"),
    ({"port": 1}, TransientError, "does not answer as it should"),
    ({"host": "169.254.169.254"}, ConfigError, "never opened"),
])  # fmt: skip
def test_each_failure_has_its_own_sentence(box, changes, kind, said):
    with pytest.raises(kind, match=said) as caught:
        Context(box, **changes).opened.check()
    assert "p4ssword" not in f"{caught.value.message} {caught.value.detail}"


def test_the_name_of_the_certificate_is_checked_and_starttls_works(box):
    Context(box).opened.check()
    Context(box, host="127.0.0.1").opened.check()
    with pytest.raises(ConfigError, match=r"certificate of 127\.0\.0\.2 is not trusted"):
        Context(box, host="127.0.0.2").opened.check()
    Context(box, security="starttls", port=box.ports[1]).opened.check()


@pytest.mark.parametrize(("config", "said"), [
    ({"folder": "Nowhere"}, "there is no folder 'Nowhere' in the mailbox 'ann' on localhost; there is Done, INBOX"),
    ({"after": "move", "target": "Nowhere"}, "there is no folder 'Nowhere'"),
    ({"after": "move"}, "there is no folder ''"),
])  # fmt: skip
def test_a_missing_folder_is_told(box, config, said):
    with pytest.raises(ConfigError, match=said):
        source(**config).receive(Context(box), {}, wait_s=0)


def test_a_link_that_was_cut_is_opened_anew(box):
    ctx = Context(box)
    _, place = look(source(), ctx, {})
    ctx.opened.link().socket().shutdown(socket.SHUT_RDWR)
    with pytest.raises(TransientError):
        source().receive(ctx, place, wait_s=0)
    assert look(source(), ctx, place) == ([], place)


def test_declarations_are_complete():
    assert REGISTRY.trigger("email").node_type == "imap.email"
    for kind in (TYPE.config, REGISTRY.connector("imap").manifest.config):
        for name, shape in config_schema(kind)["properties"].items():
            assert shape["title"], name
