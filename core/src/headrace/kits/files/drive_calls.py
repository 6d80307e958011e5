"""Requests to a drive's service: signed in, with its words for errors, and files sent in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import msgspec

from headrace.kits.files.http_fs import ATTEMPTS, Body, HttpFileSystem, pause
from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import Meaning
from headrace.kits.http.refusals import Refusals
from headrace.sdk.egress_http import Answer
from headrace.sdk.errors import AuthError, DataError, TransientError

PIECE_BYTES = 10 * 2**20
"""A multiple of 256 KiB (Google's unit) and of 320 KiB (Microsoft's)."""


class Changed(DataError):
    """Somebody else was faster."""


class DriveCalls(HttpFileSystem):
    """A service that somebody signs in to.

    Args:
        endpoint: Address of the service.
        sign_in: Credentials.
        others: Further addresses of the service that may see them.

    Attributes:
        errors: What a status, or a status and a text in the answer, means: as in a declaration of the http kit.
    """

    errors: ClassVar[dict[str, Meaning]] = {}

    def __init__(self, endpoint: str, sign_in: SignIn, others: Iterable[str] = ()) -> None:
        super().__init__(endpoint)
        self.sign_in = sign_in
        self._own = tuple(f"{base.rstrip('/')}/" for base in (self.base, *others))
        self._refusals = Refusals(self.host, self.errors)

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """The token, for addresses of the service only: links to contents and uploads carry their own."""
        return self.sign_in.signed(method, url)[1] if url.startswith(self._own) else {}

    def once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body = b"",
        into: BinaryIO | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request; again with another token, if the one that it had is over."""
        try:
            return super().once(method, url, headers=headers, body=body, into=into)
        except AuthError as error:
            ours = error.details.get("status") == 401 and url.startswith(self._own)
            if not (ours and self.sign_in.renew()):
                raise
        return super().once(method, url, headers=headers, body=body, into=into)

    def refused(self, answer: Answer, method: str) -> Exception:
        """The error of an answer, in the service's own short words."""
        if answer.status == 412:
            return Changed("the file was changed by somebody else since it was looked at; start again")
        if self._refusals.meaning(answer) == "nothing":
            return FileNotFoundError(answer.url)
        found = self._refusals.of(answer, changes=False, secrets=self.sign_in.secrets())
        return found or super().refused(answer, method)

    def ask(self, method: str, url: str, value: Any = None, **headers: str) -> Any:
        """Data in, data out; `if_match="..."` becomes a header."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()} | {"accept": "application/json"}
        if value is not None:
            sent["content-type"] = "application/json"
        answer = self.call(method, url, headers=sent, body=b"" if value is None else msgspec.json.encode(value))
        return self.told(answer)

    def told(self, answer: Answer) -> Any:
        """The data of an answer.

        Raises:
            DataError: it is no JSON.
        """
        try:
            return msgspec.json.decode(answer.body) if answer.body else {}
        except msgspec.DecodeError as error:
            raise DataError(f"'{self.host}' answers with no JSON; check the address", detail=str(error)) from None

    def in_pieces(
        self, part: Path, put: Callable[[int, bytes], int | None], where: Callable[[int], int | None],
        step: int = 0,
    ) -> None:  # fmt: skip
        """Send a file piece by piece.

        Args:
            part: On this machine.
            put: Sends a piece from an offset on; where to go on, or None when all is there.
            where: Asked after a failure with the offset of what failed: where to go on, or None when all is there.
            step: Bytes of a piece; 0 is `PIECE_BYTES`.

        Raises:
            TransientError: a piece does not get through.
        """
        at, failed = 0, 0
        with part.open("rb") as file:
            while True:
                file.seek(at)
                piece, wait = file.read(step or PIECE_BYTES), None
                try:
                    further = put(at, piece)
                except TransientError as error:
                    if failed + 1 >= ATTEMPTS:
                        raise
                    wait = error.retry_after_s
                    further = at
                if further is None:
                    return
                if further <= at:
                    failed += 1
                    if failed >= ATTEMPTS:
                        raise TransientError(f"'{self.host}' takes no more of the file; it is tried again")
                    pause(failed, wait)
                    further = where(at)
                    if further is None:
                        return
                failed = 0 if further > at else failed
                at = further

    def close(self) -> None:
        """Hang up; the next call opens again."""
        super().close()
        self.sign_in.client.close()
