"""What validation finds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class FlowProblem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a flow.

    Attributes:
        code: cycle, duplicate_id, orphan, unknown_node, plugin_missing, config_invalid, expression_invalid,
            port_mismatch, connection_missing, unknown_column, loop, compensation, reference, placeholder or
            feature_disabled.
        path: Where in the node, e.g. `config.where`.
        fix: What to do.
    """

    code: str
    message: str
    severity: Literal["error", "warning", "info"] = "error"
    node_id: str = ""
    path: str = ""
    fix: str = ""
