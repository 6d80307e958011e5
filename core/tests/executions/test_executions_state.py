"""States and retries, pure."""

from __future__ import annotations

import pytest
from headrace.engine.messages import Problem
from headrace.executions import state
from headrace.executions.leases import as_json
from headrace.flows.graph import FlowGraph, NodeSpec, Retry

ALL = {"queued", "running", "waiting", "completed", "failed", "cancelling", "cancelled", "timed_out"}


def graph(**retry):
    return FlowGraph(nodes=(NodeSpec(id="a", type="x.y", retry=Retry(**retry)), NodeSpec(id="b", type="x.y")))


def problem(node_id="a", *, retryable=True, retry_after_s=None):
    return Problem(
        code="UNAVAILABLE", message="away", node_id=node_id, retryable=retryable, retry_after_s=retry_after_s
    )


def test_nothing_leaves_a_terminal_state_and_everything_else_can_end():
    for old in ALL:
        reached = {new for new in ALL if state.allowed(old, new)}
        assert bool(reached) == (old not in state.TERMINAL)
        assert not reached or reached & state.TERMINAL


@pytest.mark.parametrize(
    ("retry", "given", "count", "expected"),
    [
        ({"max": 3, "delay_s": 10}, problem(), 0, 10),
        ({"max": 3, "delay_s": 10}, problem(), 2, 40),
        ({"max": 3, "delay_s": 10, "exponential": False}, problem(), 2, 10),
        ({"max": 3, "delay_s": 10}, problem(), 3, None),
        ({"max": 3, "delay_s": 10}, problem(retryable=False), 0, None),
        ({"max": 3, "delay_s": 10}, problem(retry_after_s=99), 0, 99),
        ({"max": 3, "delay_s": 10}, problem("b"), 0, None),
        ({"max": 3, "delay_s": 10}, problem(""), 0, 10),
        ({"max": 99, "delay_s": 10}, problem(), 60, state.RETRY_DELAY_MAX_S),
    ],
)
def test_the_policy_of_the_node_at_fault_decides_on_a_retry(retry, given, count, expected):
    assert state.retry_delay_s(given, graph(**retry), count) == expected


def test_nodes_without_a_policy_have_the_default_of_the_execution():
    plain = FlowGraph(nodes=(NodeSpec(id="a", type="x.y"),))
    assert state.retry_delay_s(problem(), plain, 0) is None
    assert [state.retry_delay_s(problem(), plain, count, Retry()) for count in range(4)] == [60, 120, 240, None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\x00b", '"ab"'),
        ("\\u0000", '"\\\\u0000"'),
        ("\\\x00", '"\\\\"'),
        ("\x00\x00", '""'),
        ({"k\x00": 1}, '{"k":1}'),
    ],
)
def test_nul_never_reaches_jsonb(value, text):
    assert as_json(value) == text
