"""Letters on their way: a mail server that really takes them, refuses them, or is away."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from headrace.accounts import letters, recovery, service
from headrace.infra.clock import clock, now
from headrace.infra.database import Database
from headrace.infra.mail import MailServer
from headrace.infra.settings import Settings, load_settings
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError
from headrace.worker.mailer import Mailer

EMAIL, NEW = "ada@example.org", "quite another password 7"


class Inbox:
    """Takes mail; refuses those whose address begins with `gone`."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - the server's name for it
        if address.startswith("gone"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Settings]]:
    taken, port = Inbox(), free_port()
    server = Controller(taken, hostname="127.0.0.1", port=port)
    server.start()
    settings = Settings(
        smtp_url=Secret(f"smtp://127.0.0.1:{port}"), mail_from="headrace@example.org",
        public_url="https://headrace.example.org/",
    )  # fmt: skip
    yield taken, settings
    server.stop()


async def statuses(database: Database) -> list[tuple[str, str, int]]:
    async with database.transaction() as session:
        rows = await session.execute(sa.text("select recipient, status, attempts from letters order by created_at"))
        return [tuple(row) for row in rows]


async def forgotten(database: Database, *emails: str) -> None:
    for email in emails:
        async with database.transaction() as session:
            await recovery.forgot_password(session, email=email)


async def test_a_letter_arrives_with_a_link_that_works(database, worker_database, inbox) -> None:
    taken, settings = inbox
    async with database.transaction() as session:
        user = await service.create_user(session, email=EMAIL, password="correct horse battery")
    await forgotten(database, EMAIL, "nobody@example.org", "gone@example.org")
    mailer = Mailer(worker_database, settings)
    while await mailer.step():
        pass
    assert await statuses(database) == [
        (EMAIL, "sent", 1), ("nobody@example.org", "void", 1), ("gone@example.org", "void", 1)
    ]  # fmt: skip
    (message,) = taken.messages
    assert (message["To"], message["From"]) == (EMAIL, "headrace@example.org")
    link = next(line for line in message.get_content().splitlines() if line.startswith("https://"))
    base, _, token = link.partition("#")
    assert base == "https://headrace.example.org/reset-password", "behind #, so that no server's log has it"
    async with database.transaction() as session:
        await recovery.reset_password(session, token=token, new_password=NEW)
    async with database.transaction() as session:
        assert await service.verify_password(NEW, (await session.get_one(service.User, user.id)).password_hash)


async def test_a_refused_address_fails_for_good_and_says_why(database, worker_database, inbox) -> None:
    async with database.transaction() as session:
        await service.create_user(session, email="gone@example.org", password="correct horse battery")
    await forgotten(database, "gone@example.org")
    while await Mailer(worker_database, inbox[1]).step():
        pass
    assert await statuses(database) == [("gone@example.org", "failed", 1)]
    async with database.transaction() as session:
        rows, _ = await letters.list_letters(session, limit=5, offset=0)
    assert rows[0].error == "the mail server refuses the recipient"


async def test_a_server_that_is_away_is_tried_again_later(database, worker_database, inbox) -> None:
    taken, settings = inbox
    async with database.transaction() as session:
        await service.create_user(session, email=EMAIL, password="correct horse battery")
    await forgotten(database, EMAIL)
    away = settings.replace(smtp_url=Secret(f"smtp://127.0.0.1:{free_port()}"))
    assert await Mailer(worker_database, away).step()
    assert not await Mailer(worker_database, settings).step(), "it is put off"
    assert await statuses(database) == [(EMAIL, "queued", 1)]
    later = now() + timedelta(seconds=61)
    with clock(lambda: later):
        assert await Mailer(worker_database, settings).step()
    assert await statuses(database) == [(EMAIL, "sent", 2)]
    assert len(taken.messages) == 1


async def test_without_a_mail_server_letters_wait(database, worker_database) -> None:
    await forgotten(database, EMAIL)
    assert not await Mailer(worker_database, Settings()).step()
    assert await statuses(database) == [(EMAIL, "queued", 0)]


@pytest.mark.parametrize(("url", "sender"), [
    ("http://mail.example.org", "a@example.org"), ("smtp://", "a@example.org"), ("smtps://mail.example.org", ""),
    ("smtp://u:cnry9@mail.example.org", "a@example.org"),
])  # fmt: skip
def test_a_wrong_mail_server_stops_the_start(url: str, sender: str) -> None:
    with pytest.raises(ConfigError, match=r"HEADRACE_(SMTP_URL|MAIL_FROM)") as caught:
        load_settings({"HEADRACE_SMTP_URL": url, "HEADRACE_MAIL_FROM": sender})
    assert "cnry9" not in caught.value.message


def test_the_password_of_the_mail_server_prints_nowhere() -> None:
    server = MailServer.of(Secret("smtps://user:canary-pw-1@mail.example.org"), "a@example.org")
    assert "canary" not in repr(server)
    assert (server.port, server.tls, server.password.reveal()) == (465, True, "canary-pw-1")
