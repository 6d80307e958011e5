"""The node contract: frames in, frames out, never collecting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias

from headrace.sdk.config import ConfigT

if TYPE_CHECKING:
    from pathlib import Path

    import narwhals as nw

    from headrace.sdk.connectors import Connector, Reject, Stream, WriteResult
    from headrace.sdk.engines import Engine
    from headrace.sdk.narrowing import Kept, Narrowing
    from headrace.sdk.waiting import Resumed

    Frame: TypeAlias = nw.LazyFrame[Any]
    Frames: TypeAlias = Mapping[str, nw.LazyFrame[Any]]


class NodeContext(Protocol):
    """What a node may touch."""

    execution_id: str
    node_id: str
    attempt: int
    effect_key: str
    """`execution:node`; the same in every attempt, so that a repeat is harmless."""
    params: Mapping[str, Any]
    input_data: Mapping[str, Any]
    """What the execution was started with: the caller's input, or the event of a trigger."""
    engine: Engine
    scratch: Path
    """Private folder, removed after the segment."""
    narrowing: Callable[[Stream], Narrowing]
    """What the steps after this one need of the rows that it reads from a stream."""

    def connector(self, connection: str) -> Connector[Any]:
        """The open connector of a connection, by name or id; the host closes it."""

    def held(self, connection: str) -> Connector[Any]:
        """One of the node's own, whose messages are acknowledged once what the segment came to is committed."""

    def reject(self, rows: Sequence[Reject]) -> None:
        """Send rows to the error port."""

    @property
    def rejects_connected(self) -> bool:
        """Whether rejected rows have somewhere to go (port connected, or on_error continues)."""

    def wrote(self, result: WriteResult, *, connection: str = "", target: str = "") -> None:
        """Report the counts of an effect, and what was written where: others may wait for it."""

    @property
    def resumed(self) -> Resumed | None:
        """Why the node is run again, if it has waited."""

    def results(self) -> Frame | None:
        """Frames of the child executions, one under the other in the order of the items; None if they gave none."""

    def input_rows(self, port: str = "in") -> int:
        """Rows of a stored input; for control nodes, whose inputs always are."""

    def respond(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Answer the request that started the execution; the first answer counts."""

    def progress(self, rows: int) -> None:
        """Report how many rows have passed so far; raises Cancelled when the execution is being cancelled."""

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Write a line to the execution's log; secrets are masked."""


class Node(ABC, Generic[ConfigT]):
    """A step. One object serves one attempt."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def keeps(self) -> Kept | None:
        """What it keeps of its one input, so that a source may leave out the rest; None: all of it may be needed."""
        return None

    @abstractmethod
    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return one lazy frame per output port.

        Args:
            ctx: What the node may touch.
            inputs: One lazy frame per connected input port; a `many` port gives `name[source node id]`.

        Raises:
            HeadraceError: see `headrace.sdk.errors`; `details` may carry `field`.
        """
