"""The node type that every kind of trigger is: no input, and its event as rows."""

from __future__ import annotations

from headrace.sdk.manifests import NodeManifest, Port, lazy
from headrace.sdk.triggers import TriggerType


def trigger_node(trigger: TriggerType) -> NodeManifest:
    """Derive the node type of a trigger. It carries the declared columns to its work."""
    return NodeManifest(
        id=trigger.id, title=trigger.title, kind="trigger", summary=trigger.summary, config=trigger.config,
        factory=lazy("headrace.engine.trigger_step:TriggerStep"), inputs=(), outputs=(Port("out", "Event"),),
        icon=trigger.icon, docs=trigger.docs, tags=("trigger", "start", *trigger.tags), version=trigger.version,
        feature=trigger.feature,
    )  # fmt: skip
