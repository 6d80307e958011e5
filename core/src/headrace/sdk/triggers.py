"""The trigger contract: a declaration, and one small class for what is due by time or comes from elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from headrace.sdk.config import Config, ConfigT, Field
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Lazy
from headrace.sdk.types import Column

if TYPE_CHECKING:
    from headrace.sdk.connectors import Connector

TriggerMode: TypeAlias = Literal["manual", "time", "webhook", "source", "flow", "form", "chat", "asset"]
TriggerKind: TypeAlias = Literal[
    "manual", "scheduled", "webhook", "event", "flow", "form", "asset", "chat", "email", "poll", "file", "message",
    "cdc",
]  # fmt: skip
KINDS: Mapping[TriggerMode, TriggerKind] = {
    "manual": "manual", "time": "scheduled", "webhook": "webhook", "source": "event", "flow": "flow", "form": "form",
    "chat": "chat", "asset": "asset",
}  # fmt: skip
"""What executions show as their start, unless the type of the trigger says it more closely."""
Rows: TypeAlias = list[dict[str, Any]]
MaxPending: TypeAlias = Annotated[
    int,
    Field("Open at once", "No more executions than this wait or run at once; what is due then waits. 0: no bound.",
          ge=0, le=10_000, advanced=True, order=90),
]  # fmt: skip
UniqueBy: TypeAlias = Annotated[
    str,
    Field("Same event", "Text over the event, e.g. {{ row.order_id }} of its first row; the same text again starts "
          "nothing and is listed as a duplicate. Empty: every event starts.", max_length=1_000, advanced=True,
          order=92),
]  # fmt: skip
UniqueHours: TypeAlias = Annotated[
    float, Field("Same event within", "After this the same text starts again.", ge=0.01, le=8_760, unit="h",
                 advanced=True, order=93),
]  # fmt: skip
Sample: TypeAlias = Annotated[
    Rows,
    Field("Sample rows", "What the step gives when somebody executes the flow by hand.", widget="json", advanced=True,
          order=95),
]  # fmt: skip


class TriggerConfig(Config, kw_only=True):
    """Base of every trigger's config."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"unique_by"})

    max_pending: MaxPending = 0
    unique_by: UniqueBy = ""
    unique_hours: UniqueHours = 24
    sample: Sample = []


class TimeConfig(TriggerConfig, kw_only=True):
    """Base of what is due by the clock."""

    timezone: Annotated[
        str, Field("Time zone", "Name of the IANA database, e.g. Europe/Berlin.", widget="timezone", order=20)
    ] = "UTC"
    start_at: Annotated[
        datetime | None, Field("Not before", "Nothing is due before this.", widget="datetime", advanced=True, order=30)
    ] = None
    end_at: Annotated[
        datetime | None, Field("Not after", "Nothing is due after this.", widget="datetime", advanced=True, order=31)
    ] = None
    calendar_id: Annotated[
        str, Field("Calendar", "Business calendar whose days count, and its rule for other days.", widget="resource",
                   options_from="calendars", order=14)
    ] = ""  # fmt: skip
    misfire: Annotated[
        Literal["skip", "coalesce", "run_all"],
        Field("When late", "After a standstill: skip what is late, make up for all of it once, or for each.", order=40),
    ] = "coalesce"
    grace_seconds: Annotated[
        float, Field("Late after", "Seconds after which `skip` lets a run go.", ge=0, unit="s", advanced=True, order=41)
    ] = 60


class TriggerType(Struct, frozen=True, kw_only=True):
    """A kind of trigger. It is also the node type `<family>.<id>`, whose output is the event.

    Attributes:
        mode: Who starts the flow: a person, the clock, a caller from outside, a source that is asked, another flow.
        kind: What executions show as their start (`trigger_type`); None: what `KINDS` has for the mode.
        config: What the user fills in; a subclass of `TriggerConfig`, of `TimeConfig` when the mode is `time`.
        secrets: Further fields that are stored encrypted and never shown.
        factory: `TimeTrigger` or `SourceTrigger` class; none for the other modes.
        columns: Of the node's output, where they are known before an event.
    """

    id: str
    title: str
    mode: TriggerMode
    kind: TriggerKind | None = None
    summary: str = ""
    config: type[TriggerConfig] = TriggerConfig
    secrets: type[Config] | None = None
    factory: Lazy | None = None
    columns: tuple[Column, ...] = ()
    icon: str = "lucide:zap"
    docs: str = ""
    tags: tuple[str, ...] = ()
    version: int = 1
    feature: str = ""


class TimeTrigger(ABC, Generic[ConfigT]):
    """Tells when something is due. Pure: the same config and instant give the same answer everywhere."""

    def __init__(self, config: ConfigT, zone: ZoneInfo) -> None:
        self.config = config
        self.zone = zone

    @abstractmethod
    def next_fire(self, after: datetime) -> datetime | None:
        """The first instant later than `after` (aware), or None when there is none any more.

        Raises:
            ConfigError: at construction or here, when the config makes no sense.
        """


class EventFile(Struct, frozen=True, kw_only=True):
    """A file that comes with an event; the host stores it under `file_key` before the event."""

    name: str
    media_type: str
    content: bytes


def file_key(trigger_id: str, event_key: str, number: int) -> str:
    """Where a file of an event (0 is the first) lies in the object store, below its organization's part."""
    event = sha256(event_key.encode()).hexdigest()[:32]
    return f"triggers/{trigger_id}/{event}/{number}"


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. One event starts one execution, however often it is delivered.

    Attributes:
        key: Names it among the trigger's events; the same key is the same event.
        rows: Output of the trigger's node.
        data: More facts, kept as the execution's input beside the rows.
        files: Stored before the event, so that who reads it finds them; the rows say where they are (`file_key`).
    """

    key: str
    rows: Rows = []
    data: dict[str, Any] = {}
    files: Sequence[EventFile] = ()


class Received(Struct, frozen=True, kw_only=True):
    """Events and the cursor after them; `more` asks again at once."""

    events: Sequence[Event] = ()
    cursor: dict[str, Any] = {}
    more: bool = False


class Standing(Struct, frozen=True, kw_only=True):
    """How a source stands, for people; shown with the trigger.

    Attributes:
        status: Facts, e.g. how far behind it is.
        warning: A sentence, while something has to be looked at; empty otherwise.
        holds: What `retire` frees, in words; empty when the source keeps nothing elsewhere.
    """

    status: dict[str, Any] = {}
    warning: str = ""
    holds: str = ""


class SourceContext(Protocol):
    """What a source may touch."""

    trigger_id: str

    def connector(self, connection: str) -> Connector[Any]:
        """The open connector of a connection, by name or id; the host closes it."""

    def log(self, message: str, **fields: Any) -> None:
        """Write a line to the log of the process."""


class SourceTrigger(ABC, Generic[ConfigT]):
    """Asks something for events. One object lives while one process holds the trigger; it is called by one thread.

    Events and cursor are stored in one transaction, then `accepted` is called: what was received and not stored comes
    again, and an event that comes again with the same key starts nothing.
    """

    def __init__(self, config: ConfigT, secrets: Any) -> None:
        self.config = config
        self.secrets = secrets

    @property
    def every_s(self) -> float:
        """Seconds between two calls; 0 when `receive` itself waits for events."""
        return 0.0

    @abstractmethod
    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """What is new since `cursor` (empty at first); wait for at most `wait_s` seconds for it.

        Raises:
            HeadraceError: TransientError is tried again with back-off; the others are shown to the user.
        """

    def accepted(self, received: Received) -> None:
        """Acknowledge: the events are stored."""

    def standing(self, ctx: SourceContext) -> Standing:
        """How it stands; asked before the first `receive`, and now and then, also while `receive` is held back."""
        return Standing()

    def retire(self, ctx: SourceContext) -> None:
        """The trigger or its flow is deleted: free what it `holds` elsewhere. Tried again when it raises."""

    def close(self) -> None:
        """Free what is open; twice is fine."""


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        ConfigError: there is none.
    """
    if name not in available_timezones():
        raise ConfigError(f"there is no time zone '{name}'; write a name like Europe/Berlin or UTC", field="timezone")
    return ZoneInfo(name)
