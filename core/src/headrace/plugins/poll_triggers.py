"""Kinds of triggers that a connector gets from its manifest: what is new in a stream starts the flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec

from headrace.sdk.config import Field
from headrace.sdk.manifests import ConnectorManifest, Lazy, Trigger, lazy
from headrace.sdk.triggers import TriggerConfig, TriggerType

WORK: Lazy = lazy("headrace.plugins.polling:Poller")


def poll_triggers(connector: ConnectorManifest) -> Iterator[TriggerType]:
    """Derive a kind of trigger `<connector>_<trigger>` from each declared one."""
    for trigger in connector.triggers:
        yield TriggerType(
            id=f"{connector.id}_{trigger.id}", title=_title(connector, trigger),
            mode="source", kind="poll", summary=f"Starts with what is new in '{trigger.stream}' of {connector.title}.",
            config=_config(connector, trigger), factory=WORK, icon=connector.icon, docs=connector.docs,
            tags=("poll", connector.id), feature=connector.feature,
        )  # fmt: skip


def _title(connector: ConnectorManifest, trigger: Trigger) -> str:
    return f"{connector.title}: {trigger.title[:1].lower()}{trigger.title[1:]}"


def _config(connector: ConnectorManifest, trigger: Trigger) -> type[TriggerConfig]:
    connection = Field(
        "Connection", "Stored, encrypted connection.", widget="connection", connection_type=connector.id, order=0
    )
    first = Field("Begin with", order=2, enum_labels={"new": "What comes from now on", "all": "All there is"})
    fields: list[Any] = [
        ("connection", Annotated[str, connection]),
        ("every_seconds", Annotated[float, Field("Every", "Seconds between two looks.", ge=1, unit="s", order=1)],
         float(trigger.every_s)),
        ("first", Annotated[Literal["new", "all"], first], "new"),
        ("batch", Annotated[int, Field("Rows together", "At most so many rows start one execution; 1 starts one for "
                                       "each.", ge=1, le=10_000, advanced=True, order=3)], 1),
    ]  # fmt: skip
    name = "".join(part.title() for part in f"{connector.id}_{trigger.id}".split("_"))
    made = msgspec.defstruct(
        name, fields, bases=(TriggerConfig,), kw_only=True, module=__name__, namespace={"stream": trigger.stream}
    )
    return cast("type[TriggerConfig]", made)
