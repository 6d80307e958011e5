"""The code nodes: Python of the user's in a sandbox, over rows or columns."""
# ruff: noqa: E501 - texts for people

from __future__ import annotations

from headrace.sdk import ERROR_PORT, NodeManifest, Port, hookimpl, lazy

from headrace_node_code.configs import CodeConfig


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    """Offer the family."""
    return [
        NodeManifest(
            id="python", title="Python", config=CodeConfig, factory=lazy("headrace_node_code.node:Code"), heavy=True,
            summary="Change rows or columns with Python in a sandbox.", icon="lucide:code", tags=("script", "code", "function"),
            outputs=(Port("out", "Output"), ERROR_PORT),
            docs="`transform` is called for each row, or for the columns of each batch. It sees data and `params` only: no files, no "
            "network, no environment, no sleeping, and of the standard library what the sandbox has (math, re, json, csv, datetime, "
            "decimal, itertools, collections, ...). Integers, floats, texts, booleans, nulls, binary, dates, times, timestamps, "
            "durations and decimals come and go as Python's own values without loss; a timestamp with a zone has its offset, "
            "UUID and JSON are texts. A value that does not fit its column sends the row to the error port, it never becomes null. "
            "Rows come in order, and names set outside the function live as long as the step. The same input gives the same random "
            "numbers.",
        )
    ]  # fmt: skip
