"""The contract against aiosmtpd, with sign-in and STARTTLS; what a row cannot do to a message; the README's flow."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Connector, DataError, TransientError, parse_config
from headrace.testing.connector import ConnectorContract
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme

PASSWORD = "password-of-the-test"


class Box:
    """What has arrived: who it is for, and the message."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - its name there
        if address.startswith("nobody"):
            return "550 nobody here"
        if address.startswith("busy"):
            return "451 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name there
        message: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((list(envelope.rcpt_tos), message))
        return "250 OK"


def authority(folder: Path) -> tuple[ssl.SSLContext, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(pem + own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, pem.decode()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=good)


class Post:
    """A running server, its box, and how to reach it."""

    def __init__(self, controller: Controller, box: Box, pem: str) -> None:
        self.box, self.controller = box, controller
        self.config = {
            "host": "localhost", "port": controller.port, "security": "starttls", "user": "me", "password": PASSWORD,
            "sender": "Flows <flows@example.org>", "authority": pem,
        }  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    context, pem = authority(tmp_path_factory.mktemp("smtp"))
    box = Box()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True, auth_required=True,
        authenticator=_authenticate, ready_timeout=60,
    )  # fmt: skip
    controller.start()
    yield Post(controller, box, pem)
    controller.stop()


@pytest.fixture
def post(running: Post) -> Post:
    running.box.mails.clear()
    return running


class TestSmtp(ConnectorContract):
    connector_id = "smtp"
    action_inputs = {"send": {"to": "ann@example.org", "subject": "Hello", "text": "Hi 😀"}}
    skip_reasons = no_streams(
        "nothing is read; test_a_server_that_hung_up_is_called_again does the same for sending",
        test_a_repeated_action_has_one_effect="mail cannot be taken back (class C); its Message-ID is the same",
    )

    @pytest.fixture
    def config(self, post: Post) -> dict[str, Any]:
        return post.config

    @pytest.fixture
    def bad_config(self, post: Post) -> dict[str, Any]:
        return {**post.config, "password": "wrong-but-secret"}


def entry() -> Any:
    return load_plugins(only=["connector-smtp"], strict=True).registry.connector("smtp")


@pytest.fixture
def connector(post: Post) -> Iterator[Connector[Any]]:
    with closing(entry().open(post.config)) as opened:
        yield opened


def send(connector: Any, key: str = "k", **given: Any) -> Any:
    value = {"to": "ann@example.org", "subject": "S", "text": "T", **given}
    return connector.act("send", parse_config(entry().manifest.actions[0].input, value), key=key)


def test_a_message_has_what_was_said(connector: Any, post: Post) -> None:
    files = [{"name": "a.csv", "text": "x,ü\n1,2\n"}, {"name": "b.bin", "base64": b64encode(b"\0\1").decode()}]
    sent = send(
        connector, to='"Ann, B." <ann@example.org>, bo@example.org', cc="cc@example.org", bcc="secret@example.org",
        subject="Order {n} für {{you}}", text="{n} <b>", html="<p>{what}</p>", attachments=files,
        fields={"n": 7, "what": "<script>"},
    )  # fmt: skip
    ((people, message),) = post.box.mails
    assert people == ["ann@example.org", "bo@example.org", "cc@example.org", "secret@example.org"]
    assert sent.recipients == 4
    assert sent.message_id == message["Message-ID"]
    assert (message["Subject"], message["From"]) == ("Order 7 für {you}", "Flows <flows@example.org>")
    assert "secret@example.org" not in message.as_string()
    bodies = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    assert bodies["text/html"].get_content().strip() == "<p>&lt;script&gt;</p>"
    found = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert found == {"a.csv": "x,ü\n1,2\n".encode(), "b.bin": b"\0\1"}


@pytest.mark.parametrize(
    ("given", "said"),
    [({"subject": "a\r\nBcc: evil@example.org"}, "more than one line"), ({"to": ""}, "has no recipient"),
     ({"to": "a@b\r\nRCPT TO:<evil@example.org>"}, "line break"),
     ({"to": "nobody@example.org"}, "refuses the recip"),
     ({"text": "{x}", "fields": {"y": 1}}, "no field 'x' for the message; there is y"),
     ({"attachments": [{"name": "f", "base64": "%%%"}]}, "no base64")],
)  # fmt: skip
def test_what_a_row_cannot_do(given: dict[str, Any], said: str, connector: Any, post: Post) -> None:
    with pytest.raises(DataError, match=said):
        send(connector, **given)
    assert post.box.mails == []
    send(connector)
    assert len(post.box.mails) == 1, "the link is as good as before"


def test_a_busy_recipient_is_tried_again_by_whoever_executes_us(connector: Any) -> None:
    with pytest.raises(TransientError, match="451"):
        send(connector, to="busy@example.org")


def test_a_server_that_hung_up_is_called_again(connector: Any, post: Post) -> None:
    send(connector)
    connector.link().sock.close()
    send(connector)
    assert len(post.box.mails) == 2


def test_a_repeat_has_the_same_id(connector: Any, post: Post) -> None:
    assert send(connector, "one").message_id == send(connector, "one").message_id != send(connector, "two").message_id


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [({"password": "wrong"}, AuthError, "refuses the user or the password"),
     ({"authority": ""}, ConfigError, "certificate of 'localhost' is not trusted"),
     ({"sender": "me"}, (ConfigError, DataError), "sender|refuses")],
)  # fmt: skip
def test_what_is_wrong_is_told(more: dict[str, Any], kind: Any, said: str, post: Post) -> None:
    with pytest.raises(kind, match=said) as caught, closing(entry().open({**post.config, **more})) as opened:
        send(opened)
    assert PASSWORD not in str(caught.value)


def test_the_readme_s_flow(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    people = [
        {"email": f"{name}@example.org", "about": {"name": name, "number": n}} for n, name in enumerate(("ann", "bo"))
    ]
    (tmp_path / "people.ndjson").write_text("\n".join(map(json.dumps, people)))
    links = {"Files": ("local_files", {"root": str(tmp_path)}), "Mail": ("smtp", post.config)}
    done = execute_readme(Path(__file__).parents[1], links)
    assert done["write"].outputs["out"].rows == 2
    assert [message["Subject"] for _, message in post.box.mails] == ["Hello ann", "Hello bo"]
