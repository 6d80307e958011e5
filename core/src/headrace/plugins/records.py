"""What the host knows of each installed plugin."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

State = Literal["enabled", "disabled", "failed"]


class PluginRecord(Struct, kw_only=True):
    """One entry point of one distribution.

    Attributes:
        name: Entry point name, e.g. `connector-sqlite`.
        module: Declaration module.
        distribution: Distribution that brings it.
        fingerprint: Hash over the distribution's RECORD; part of the plugin-set hash.
        reason: One sentence for admins when it failed.
        trace: Traceback for admins.
        load_ms: Time that importing and declaring took.
        provides: Ids by kind, e.g. {"connectors": ["sqlite"]}.
    """

    name: str
    module: str
    distribution: str
    version: str
    fingerprint: str
    state: State = "enabled"
    reason: str = ""
    trace: str = ""
    load_ms: float = 0
    provides: dict[str, list[str]] = {}

    @property
    def kind(self) -> str:
        """Connector, node, plugin or edition."""
        return self.name.partition("-")[0]

    @property
    def id(self) -> str:
        """The folder's name: family of nodes, id of a connector."""
        return self.name.partition("-")[2] or self.name

    def fail(self, reason: str, trace: str = "") -> None:
        """Mark the plugin failed; the first reason stays."""
        if self.state != "failed":
            self.state, self.reason, self.trace = "failed", reason, trace


class ConnectionSpec(Struct, frozen=True):
    """A connection ready to open: connector id and config with secrets revealed.

    Attributes:
        id: Of the stored connection; empty of one that is not.
        token: Access token, when a person connected it.
    """

    connector: str
    config: dict[str, Any]
    id: str = ""
    token: str = ""
