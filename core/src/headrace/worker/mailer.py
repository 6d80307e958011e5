"""The mailer: sends letters as they fall due. Any number of copies; a crash in between sends one twice, never none."""

from __future__ import annotations

import asyncio

import structlog

from headrace.accounts import letters
from headrace.infra.database import Database
from headrace.infra.mail import MailServer, send
from headrace.infra.settings import Settings
from headrace.sdk.errors import DataError, HeadraceError, TransientError

_log = structlog.get_logger("headrace.mailer")


class Mailer:
    """Takes letters one by one; without a mail server they wait for an admin."""

    def __init__(self, database: Database, settings: Settings, *, poll_s: float = 2.0) -> None:
        self._database = database
        self._base_url = settings.link_base
        self._server = MailServer.of(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        self._poll_s = poll_s

    async def serve(self) -> None:
        """Until cancelled."""
        while True:
            try:
                more = await self.step()
            except TransientError:
                more = False
            if not more:
                await asyncio.sleep(self._poll_s)

    async def step(self) -> bool:
        """Send one letter, if one is due. Returns whether there may be more.

        Raises:
            TransientError: the database is away.
        """
        if self._server is None:
            return False
        async with self._database.transaction() as session:
            letter = await letters.take(session, self._base_url)
        if isinstance(letter, bool):
            return letter
        error, for_good = "", False
        try:
            await asyncio.to_thread(send, self._server, letter.recipient, letter.subject, letter.text)
        except HeadraceError as refused:
            error, for_good = refused.message, isinstance(refused, DataError)
            _log.warning("letter not sent", letter_id=str(letter.letter_id), error=error, detail=refused.detail)
        async with self._database.transaction() as session:
            await letters.settle(session, letter.letter_id, error=error, for_good=for_good)
        return True
