"""The trigger contract: a declaration, and one small class for what is due by time or comes from elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from headrace.sdk.config import Config, ConfigT, Field
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Lazy
from headrace.sdk.types import Column

if TYPE_CHECKING:
    from headrace.sdk.connectors import Connector

TriggerMode: TypeAlias = Literal["manual", "time", "webhook", "source", "flow"]
Rows: TypeAlias = list[dict[str, Any]]
MaxPending: TypeAlias = Annotated[
    int,
    Field("Open at once", "No more executions than this wait or run at once; what is due then waits. 0: no bound.",
          ge=0, le=10_000, advanced=True, order=90),
]  # fmt: skip
Sample: TypeAlias = Annotated[
    Rows,
    Field("Sample rows", "What the step gives when somebody executes the flow by hand.", widget="json", advanced=True,
          order=95),
]  # fmt: skip


class TriggerConfig(Config, kw_only=True):
    """Base of every trigger's config."""

    max_pending: MaxPending = 0
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
        config: What the user fills in; a subclass of `TriggerConfig`, of `TimeConfig` when the mode is `time`.
        secrets: Further fields that are stored encrypted and never shown.
        factory: `TimeTrigger` or `SourceTrigger` class; none for the other modes.
        columns: Of the node's output, where they are known before an event.
    """

    id: str
    title: str
    mode: TriggerMode
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


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. One event starts one execution, however often it is delivered.

    Attributes:
        key: Names it among the trigger's events; the same key is the same event.
        rows: Output of the trigger's node.
        data: More facts, kept as the execution's input beside the rows.
    """

    key: str
    rows: Rows = []
    data: dict[str, Any] = {}


class Received(Struct, frozen=True, kw_only=True):
    """Events and the cursor after them; `more` asks again at once."""

    events: Sequence[Event] = ()
    cursor: dict[str, Any] = {}
    more: bool = False


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
