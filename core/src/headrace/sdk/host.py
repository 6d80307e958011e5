"""What the host does for a connection while it is open: it paces requests of all workers together, and has tokens."""

from __future__ import annotations

from typing import Protocol


class ConnectionHost(Protocol):
    """One connection's; the host sets it as `connector.host` after opening. For the connector's own thread."""

    def wait_s(self, budgets: tuple[tuple[int, int], ...]) -> float:
        """Take one request from each budget (so many in so many seconds), or from none.

        Returns the seconds to wait before asking again; 0 is leave to go on. Budgets are counted over all workers.
        """

    def token(self, refused: str = "") -> str:
        """The access token of who connected it; another one when this one was refused.

        Raises:
            AuthError: nobody has connected it, or the other side has ended it.
            TransientError: the other side does not answer.
        """
