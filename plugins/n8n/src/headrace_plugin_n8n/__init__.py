"""n8n: its workflows become flows; what has no counterpart here becomes a placeholder that keeps what was there."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from headrace.sdk import Capability, Config, ConnectorManifest, Field, NodeManifest, Port, Secret, hookimpl, lazy

OUTPUTS = ("out", "out_2", "out_3", "out_4")
"""Ports of a placeholder, by the number of the output in n8n."""
DOCS = """Brings the workflows of an n8n server here as flows, as often as you like: one flow for each workflow.

Make an API key in n8n under Settings, n8n API. It is used to read workflows, never to change them. Credentials stay in
n8n: the report says for each step which connection it needs here."""


class N8nConfig(Config, kw_only=True):
    """How to reach the server."""

    url: Annotated[
        str, Field("Address", "Of n8n, as in the browser.", examples=["https://n8n.example.org"], min_length=1,
                   max_length=500, order=0)
    ]  # fmt: skip
    api_key: Annotated[Secret, Field("API key", "Made in n8n under Settings, n8n API.", order=1)]


class PlaceholderConfig(Config, kw_only=True):
    """What the step was in n8n; nothing of it is lost."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"original_type", "reason", "parameters", "more"})

    original_type: Annotated[str, Field("Type in n8n", "What the step was.", order=0)] = ""
    reason: Annotated[
        str, Field("Why", "What stands in the way of a step of headrace.", widget="textarea", order=1)
    ] = ""
    parameters: Annotated[
        dict[str, Any], Field("Parameters in n8n", "As they were there.", widget="json", order=2)
    ] = {}  # fmt: skip
    more: Annotated[
        dict[str, Any],
        Field("More of n8n", "Version, names of credentials, settings, and connections that have no place here.",
              widget="json", advanced=True, order=3),
    ] = {}  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connection whose flows are brought here."""
    return [
        ConnectorManifest(
            id="n8n", title="n8n", category="agentic", summary="Workflows of n8n, brought here as flows",
            config=N8nConfig, factory=lazy("headrace_plugin_n8n.connector:N8n"),
            capabilities=frozenset({Capability.SYNC_FLOWS}), icon="lucide:workflow", docs=DOCS, waits=True,
            proof="contract",
        )
    ]  # fmt: skip


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    """Offer the step that stands for one of n8n."""
    return [
        NodeManifest(
            id="placeholder", title="Step of n8n", kind="logic", config=PlaceholderConfig,
            factory=lazy("headrace_plugin_n8n.placeholder:Placeholder"), icon="lucide:puzzle",
            summary="Stands for a step of n8n that has no counterpart here.",
            inputs=(Port("in", "Input", many=True, required=False),),
            outputs=tuple(Port(name, f"Output {n}", required=False) for n, name in enumerate(OUTPUTS, 1)),
            blocks="stands for a step of n8n that has no counterpart here",
            docs="Keeps type and parameters as they were in n8n. A flow that has one can be looked at and worked on, "
            "but not executed or made active: put a step of headrace in its place.",
        )
    ]  # fmt: skip
