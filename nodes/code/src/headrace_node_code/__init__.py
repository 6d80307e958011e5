"""The code nodes: Python of the user's in a sandbox, over rows or columns."""

from __future__ import annotations

from headrace.sdk import NodeManifest, hookimpl


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    """Offer the family."""
    return []
