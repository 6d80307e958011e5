"""States of executions and segments, and what follows a failed attempt. Pure."""

from __future__ import annotations

from headrace.engine.messages import Problem
from headrace.flows.graph import NEVER, FlowGraph, Retry

TERMINAL = frozenset({"completed", "failed", "cancelled", "timed_out"})
"""States an execution never leaves; a trigger holds the same set."""
SEGMENT_TERMINAL = frozenset({"completed", "failed", "dead", "skipped", "cancelled"})
"""States a segment never leaves."""
CRASHES_MAX = 3
"""A segment whose runner dies once more than this is dead: it would take down worker after worker."""
RETRY_DELAY_MAX_S = 86_400.0

_NEXT = {
    "queued": frozenset({"running", "completed", "failed", "cancelling", "cancelled", "timed_out"}),
    "running": frozenset({"waiting", "completed", "failed", "cancelling", "timed_out"}),
    "waiting": frozenset({"running", "completed", "failed", "cancelling", "cancelled", "timed_out"}),
    "cancelling": frozenset({"cancelled"}),
}


def allowed(old: str, new: str) -> bool:
    """Whether an execution may go from `old` to `new`."""
    return new in _NEXT.get(old, frozenset())


def final_status(closing: str | None) -> str:
    """State of an execution whose last open segment has ended."""
    return closing or "completed"


def node_status(segment_status: str) -> str:
    """What a node without an outcome of its own shows, from the state of its segment."""
    return {"ready": "queued", "waiting": "queued", "retry_wait": "waiting", "dead": "failed"}.get(
        segment_status, segment_status
    )


def retry_delay_s(problem: Problem, graph: FlowGraph, error_count: int, default: Retry = NEVER) -> float | None:
    """Seconds until the next attempt of a failed segment; None when it has failed for good.

    Only problems that say they pass by themselves are retried, within the budget of the node at fault.
    """
    if not problem.retryable:
        return None
    policy = _policy(problem, graph, default)
    if error_count >= policy.max:
        return None
    delay = policy.delay_s * (2**error_count if policy.exponential else 1)
    return min(max(delay, problem.retry_after_s or 0.0), RETRY_DELAY_MAX_S)


def _policy(problem: Problem, graph: FlowGraph, default: Retry) -> Retry:
    node = graph.by_id.get(problem.node_id)
    if node is not None:
        return node.retry or default
    return max((node.retry or default for node in graph.nodes), key=lambda retry: retry.max, default=default)


def timeout_s(graph: FlowGraph) -> float | None:
    """Seconds that a segment may take: the sum of its nodes' timeouts, if any node has one."""
    total = sum(node.timeout_s for node in graph.nodes)
    return total or None
