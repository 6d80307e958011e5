"""What an open connection has of its host, asked over the pipe: a leave to go on, a token."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import structs

from headrace.engine.messages import Committed, HostAsked, HostTold, SegmentDone
from headrace.sdk.errors import AuthError, TransientError

ANSWER_S = 60.0
COMMIT_S = 600.0
"""How long messages are held back for a database that is away."""


class Line:
    """Asks the supervisor from any thread of one segment.

    Args:
        send: Hands a question over, and what the segment came to.
    """

    def __init__(self, send: Callable[[HostAsked | SegmentDone], None]) -> None:
        self._send = send
        self._numbers = count(1)
        self._open: dict[int, queue.SimpleQueue[HostTold]] = {}
        self._lock = threading.Lock()
        self._committed: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask(self, asked: HostAsked) -> HostTold:
        """The answer.

        Raises:
            TransientError: none came.
        """
        box: queue.SimpleQueue[HostTold] = queue.SimpleQueue()
        with self._lock:
            no = next(self._numbers)
            self._open[no] = box
        try:
            self._send(structs.replace(asked, no=no))
            return box.get(timeout=ANSWER_S)
        except queue.Empty:
            raise TransientError("the worker did not answer a connection in time; it is tried again") from None
        finally:
            self._open.pop(no, None)

    def settled(self, done: SegmentDone) -> bool:
        """Hand over what the segment came to, and wait until that is committed; False when it is dropped."""
        self._send(structs.replace(done, holds=True))
        try:
            return self._committed.get(timeout=COMMIT_S)
        except queue.Empty:
            return False

    def committed(self, answer: Committed) -> None:
        """Take word of what became of it."""
        self._committed.put(answer.kept)

    def told(self, answer: HostTold) -> None:
        """Take an answer; one that nobody waits for any more is dropped."""
        box = self._open.get(answer.no)
        if box is not None:
            box.put(answer)


class OpenHost:
    """The host of one open connection: `headrace.sdk.host.ConnectionHost`.

    Args:
        connection: Its name in the segment.
        token: The access token that it came with.
        line: To the supervisor; without it nothing is asked.
    """

    def __init__(self, connection: str, token: str, line: Line | None) -> None:
        self._connection = connection
        self._token = token
        self._line = line

    def wait_s(self, budgets: tuple[tuple[int, int], ...]) -> float:
        """Seconds to wait until the next request may go."""
        return self._asked(budgets=budgets).wait_s if self._line is not None else 0.0

    def token(self, refused: str = "") -> str:
        """The access token; another one when this one was refused."""
        if self._token and self._token != refused:
            return self._token
        if self._line is None:
            raise AuthError("the other side refuses the sign-in; open the connection and connect again")
        self._token = self._asked(refused=refused or self._token).token
        return self._token

    def _asked(self, **given: Any) -> HostTold:
        assert self._line is not None  # noqa: S101 - both callers look
        told = self._line.ask(HostAsked(no=0, connection=self._connection, **given))
        if told.problem is None:
            return told
        if told.problem.retryable:
            raise TransientError(told.problem.message, retry_after_s=told.problem.retry_after_s)
        raise AuthError(told.problem.message, hint=told.problem.hint)
