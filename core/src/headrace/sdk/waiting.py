"""What a control node waits for: it raises `Parked`, and holds no thread and no connection until it is run again.

On the second run `ctx.resumed` says what came. A node that waits is the only one of its segment (`control=True`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct


class Timer(Struct, frozen=True, kw_only=True, tag="timer"):
    """Wait for a moment, or for some seconds by the database's clock."""

    at: datetime | None = None
    after_s: float | None = None


class Callback(Struct, frozen=True, kw_only=True, tag="callback"):
    """Wait until somebody calls back with a token, or decides in the list of approvals.

    Attributes:
        form: JSON Schema of what is answered.
        assignees: Users (e-mail) or groups who may decide; empty = whoever may approve in the workspace.
        deadline_s: Seconds until the node is run again without an answer.
    """

    kind: Literal["webhook", "approval"]
    title: str = ""
    message: str = ""
    form: dict[str, Any] = {}
    assignees: tuple[str, ...] = ()
    deadline_s: float | None = None


class Item(Struct, frozen=True, kw_only=True):
    """The input of one child: rows of the step's own input, what the child before gave, or nothing; and parameters."""

    source: Literal["input", "previous", "none"] = "input"
    offset: int = 0
    rows: int | None = None
    params: dict[str, Any] = {}


class Children(Struct, frozen=True, kw_only=True, tag="children"):
    """Wait for executions of the steps inside this one, or of another flow, one for each item.

    Attributes:
        parallel: How many are open at a time; the others are held.
        flow: Name or id of a flow; empty = the steps inside this one.
        version: Of that flow; None = what is there now.
        stop_on_failure: Run the node again as soon as one child has failed.
        wait: False starts them and runs the node again at once.
        deadline_s: Seconds after which each of them is stopped, and `timed_out`.
    """

    items: tuple[Item, ...]
    parallel: int = 1
    flow: str = ""
    version: int | None = None
    stop_on_failure: bool = True
    wait: bool = True
    deadline_s: float | None = None


Wait: TypeAlias = Timer | Callback | Children


class Child(Struct, frozen=True, kw_only=True):
    """What became of a child execution."""

    item_no: int
    execution_id: str
    status: str
    error: str = ""


class Resumed(Struct, frozen=True, kw_only=True):
    """Why the node is run again.

    Attributes:
        wait: What it waited for.
        payload: What the caller answered; None when the time was over.
        by: Who decided (user id), if somebody did.
        before: How many children it had in earlier rounds.
        children: Of this round, in the order of the items; their frames are `ctx.results()`.
        elapsed_s: Seconds since its first child was started, by the database's clock.
    """

    wait: Wait
    payload: dict[str, Any] | None = None
    by: str = ""
    before: int = 0
    children: tuple[Child, ...] = ()
    elapsed_s: float = 0.0


class Parked(Exception):
    """Raised by a node that has to wait."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(type(wait).__name__)
        self.wait = wait
