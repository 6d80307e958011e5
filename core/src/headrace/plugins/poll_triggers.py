"""Kinds of triggers that a connector gets from its manifest: new rows, or messages, of a stream start the flow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec

from headrace.sdk.config import Field
from headrace.sdk.manifests import ConnectorManifest, Lazy, Trigger, lazy
from headrace.sdk.triggers import TriggerConfig, TriggerType

WORK: Lazy = lazy("headrace.plugins.polling:Poller")
TAKES: Lazy = lazy("headrace.plugins.taking:Taker")


def poll_triggers(connector: ConnectorManifest) -> Iterator[TriggerType]:
    """Derive a kind of trigger `<connector>_<trigger>` from each declared one."""
    for trigger in connector.triggers:
        if trigger.mode == "message":
            yield _taken(connector, trigger)
            continue
        yield TriggerType(
            id=f"{connector.id}_{trigger.id}", title=_title(connector, trigger),
            mode="source", kind="poll", summary=f"Starts with what is new in '{trigger.stream}' of {connector.title}.",
            config=_config(connector, trigger), factory=WORK, icon=connector.icon, docs=connector.docs,
            tags=("poll", connector.id), feature=connector.feature,
        )  # fmt: skip


def _taken(connector: ConnectorManifest, trigger: Trigger) -> TriggerType:
    return TriggerType(
        id=f"{connector.id}_{trigger.id}", title=_title(connector, trigger), mode="source", kind="message",
        summary=f"Starts with each message of {connector.title}.", config=_message_config(connector, trigger),
        factory=TAKES, icon=connector.icon, docs=connector.docs, tags=("message", "queue", "event", connector.id),
        feature=connector.feature,
    )  # fmt: skip


def _title(connector: ConnectorManifest, trigger: Trigger) -> str:
    return f"{connector.title}: {trigger.title[:1].lower()}{trigger.title[1:]}"


def _connection(connector: ConnectorManifest) -> Any:
    hint = Field(
        "Connection", "Stored, encrypted connection.", widget="connection", connection_type=connector.id, order=0
    )
    return ("connection", Annotated[str, hint])


def _config(connector: ConnectorManifest, trigger: Trigger) -> type[TriggerConfig]:
    first = Field("Begin with", order=2, enum_labels={"new": "What comes from now on", "all": "All there is"})
    fields: list[Any] = [
        _connection(connector),
        ("every_seconds", Annotated[float, Field("Every", "Seconds between two looks.", ge=1, unit="s", order=1)],
         float(trigger.every_s)),
        ("first", Annotated[Literal["new", "all"], first], "new"),
        ("batch", Annotated[int, Field("Rows together", "At most so many rows start one execution; 1 starts one for "
                                       "each.", ge=1, le=10_000, advanced=True, order=3)], 1),
    ]  # fmt: skip
    return _struct(connector, trigger, fields)


def _message_config(connector: ConnectorManifest, trigger: Trigger) -> type[TriggerConfig]:
    stream = Field("Stream", "Queue, topic or subscription to take from.", widget="stream", options_from="stream",
                   depends_on=["connection"], allow_custom=True, order=1)  # fmt: skip
    fields: list[Any] = [
        _connection(connector),
        ("stream", Annotated[str, stream]),
        ("first", Annotated[Literal["new", "all"], Field(
            "Begin with", "Where the other side keeps all there was.", order=2, advanced=True,
            enum_labels={"new": "What comes from now on", "all": "All there is"})], "new"),
        ("every_seconds", Annotated[float, Field("Look again after", "When there was no message.", ge=0, le=3_600,
                                                 unit="s", advanced=True, order=3)], float(trigger.every_s)),
        ("batch", Annotated[int, Field("Messages at once", "Taken in one go; each starts one execution.", ge=1, le=500,
                                       advanced=True, order=4)], 50),
    ]  # fmt: skip
    return _struct(connector, trigger, fields)


def _struct(connector: ConnectorManifest, trigger: Trigger, fields: list[Any]) -> type[TriggerConfig]:
    name = "".join(part.title() for part in f"{connector.id}_{trigger.id}".split("_"))
    made = msgspec.defstruct(
        name, fields, bases=(TriggerConfig,), kw_only=True, module=__name__, namespace={"from_stream": trigger.stream}
    )
    return cast("type[TriggerConfig]", made)
