"""Which node of a fused plan fails: the plan fails as a whole, so ask its prefixes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.flows.graph import FlowGraph
from headrace.sdk.engines import Engine

if TYPE_CHECKING:
    import narwhals as nw


def blame(engine: Engine, order: Sequence[str], frames: Mapping[str, nw.LazyFrame[Any]], graph: FlowGraph) -> str:
    """A node whose frame cannot be computed though all that it takes can, or ""; needs about log2(nodes) tries.

    A node after the guilty one may be computable (another branch), so this finds one guilty node, not all.
    """
    found = _one(engine, order, frames)
    while found:
        names = (f"{edge.source}.{edge.source_port}" for edge in graph.incoming[found] if edge.source in graph.by_id)
        guilty = next((name for name in names if name in frames and not _computable(engine, frames[name])), "")
        if not guilty:
            break
        found = guilty.rpartition(".")[0]
    return found


def _one(engine: Engine, order: Sequence[str], frames: Mapping[str, nw.LazyFrame[Any]]) -> str:
    """A node whose frame cannot be computed: the first one, where all that come after it cannot be either."""
    of: dict[str, list[str]] = {}
    for name in frames:
        of.setdefault(name.rpartition(".")[0], []).append(name)
    names = [name for node_id in order for name in of.get(node_id, ())]
    low, high = 0, len(names)
    while low < high:
        middle = (low + high) // 2
        if all(_computable(engine, frames[name]) for name in names[low : middle + 1][-1:]):
            low = middle + 1
        else:
            high = middle
    if low < len(names):
        return names[low].rpartition(".")[0]
    return next((name.rpartition(".")[0] for name in names if not _computable(engine, frames[name])), "")


def _computable(engine: Engine, frame: nw.LazyFrame[Any]) -> bool:
    """Whether every value can be; to count the rows only some of them are needed."""
    try:
        deque(engine.batches(frame), maxlen=0)
    except Exception:
        return False
    return True
