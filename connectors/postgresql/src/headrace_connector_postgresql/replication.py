"""A replication link: what the log has for a publication, and how far we have stored it."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from struct import Struct as Layout
from typing import Any

import psycopg
from headrace.sdk import ConfigError, HeadraceError, TransientError
from psycopg import pq, sql

from headrace_connector_postgresql.connector import told
from headrace_connector_postgresql.pgoutput import EPOCH, lsn_text

STATUS_S = 10.0
_START = sql.SQL(
    "START_REPLICATION SLOT {slot} LOGICAL {at} (proto_version '1', publication_names {publication})"
)  # fmt: skip
_DATA, _ALIVE, _STATUS = Layout(">QQq"), Layout(">QqB"), Layout(">cQQQqB")


class Replication:
    """Reads one slot. Nothing is confirmed but by `confirm`.

    Attributes:
        idle: The server has nothing for us before this place; 0 while that is not known.
    """

    def __init__(self, link: psycopg.Connection[Any], where: str) -> None:
        self._link, self._where = link, where
        self._stored = 0
        self._told_at = 0.0
        self.idle = 0

    def start(self, slot: str, publication: str, lsn: int) -> None:
        """Ask for everything that commits after a place.

        Raises:
            TransientError: another reader has the slot.
            ConfigError: slot or publication cannot be used.
        """
        names = sql.quote(sql.Identifier(publication).as_string(self._link))
        command = _START.format(slot=sql.Identifier(slot), at=sql.SQL(lsn_text(lsn)), publication=sql.SQL(names))
        result = self._link.pgconn.exec_(command.as_bytes(self._link))
        if result.status != pq.ExecStatus.COPY_BOTH:
            raise self._refused(result, slot)
        self._stored = lsn

    def _refused(self, result: Any, slot: str) -> HeadraceError:
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        said = result.get_error_message()
        if state == "55006":
            return TransientError(f"another reader has the slot '{slot}' of {self._where}; it is tried again",
                                  detail=said)  # fmt: skip
        return ConfigError(f"{self._where} does not let us read the slot '{slot}'; the log says why", detail=said)

    def payload(self, *, wait_s: float) -> bytes | None:
        """The next message of the plugin; None when none comes in time.

        Raises:
            TransientError: the link is lost.
        """
        end = time.monotonic() + wait_s
        with self._translated():
            while True:
                size, data = self._link.pgconn.get_copy_data(1)
                if size > 0:
                    found = self._opened(bytes(data))
                    if found is not None:
                        return found
                elif size < 0:
                    self._ended()
                else:
                    self._tell_now_and_then()
                    left = end - time.monotonic()
                    if left <= 0:
                        return None
                    select.select([self._link.pgconn.socket], [], [], min(left, STATUS_S))
                    self._link.pgconn.consume_input()

    def _opened(self, data: bytes) -> bytes | None:
        """The payload of a message; the server's sign of life is answered."""
        if data[:1] == b"w":
            self.idle = 0
            return data[1 + _DATA.size :]
        if data[:1] == b"k":
            end, _, wanted = _ALIVE.unpack_from(data, 1)
            self.idle = end
            if wanted:
                self._tell()
        return None

    def _ended(self) -> None:
        result = self._link.pgconn.get_result()
        said = result.get_error_message() if result else ""
        raise TransientError(f"{self._where} ended the replication; it is taken up again", detail=said)

    def confirm(self, lsn: int) -> None:
        """Everything that commits before this place is stored: the server may forget it."""
        self._stored = max(self._stored, lsn)
        with self._translated():
            self._tell()

    def live(self) -> None:
        """A sign of life while nobody reads: the server hangs up on who is silent for a minute."""
        with self._translated():
            self._tell()

    def _tell_now_and_then(self) -> None:
        if time.monotonic() - self._told_at > STATUS_S:
            self._tell()

    def _tell(self) -> None:
        at = int((datetime.now(UTC) - EPOCH).total_seconds() * 1_000_000)
        self._link.pgconn.put_copy_data(_STATUS.pack(b"r", self._stored, self._stored, self._stored, at, 0))
        self._link.pgconn.flush()
        self._told_at = time.monotonic()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise told(error, self._where) from error
        except OSError as error:
            raise TransientError(f"the link to {self._where} was lost; it is taken up again",
                                 detail=str(error)) from error  # fmt: skip

    def close(self) -> None:
        """Hang up; twice is fine."""
        self._link.close()
