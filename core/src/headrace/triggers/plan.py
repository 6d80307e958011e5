"""What is due, and what becomes of it. Pure: instants in, decisions out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from headrace.plugins.registry import TriggerEntry, load
from headrace.sdk.calendars import BusinessCalendar
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError
from headrace.sdk.triggers import TimeConfig, TimeTrigger, zone_of

Misfire: TypeAlias = Literal["skip", "coalesce", "run_all"]
NextFire: TypeAlias = Callable[[datetime], datetime | None]
BATCH = 50
"""Due instants that one transaction starts at most."""
WALK = 5_000
"""Missed instants that are counted one by one; beyond, the last one is looked for."""


class Due(Struct, frozen=True, kw_only=True):
    """One tick.

    Attributes:
        starts: Whether it starts an execution; a skipped one is recorded only.
        covers_from: Begin of the interval that it stands for; its end is `fire_at`.
        missed: Earlier instants that were passed over for this one; from WALK on, at least so many.
    """

    fire_at: datetime
    covers_from: datetime
    starts: bool = True
    missed: int = 0


class Schedule:
    """When a trigger is due, within its bounds."""

    def __init__(
        self, config: TimeConfig, work: TimeTrigger[TimeConfig], calendar: BusinessCalendar | None = None
    ) -> None:
        self.config = config
        self._work, self._calendar = work, calendar

    def next_fire(self, after: datetime) -> datetime | None:
        """The first due instant after `after`, or None."""
        start, end = self.config.start_at, self.config.end_at
        if start is not None and after < start:
            after = start - timedelta(microseconds=1)
        times = self._work.next_fire
        found = self._calendar.next_fire(times, after, self._work.zone) if self._calendar else times(after)
        if found is not None and found <= after:
            raise ConfigError(f"the schedule gave {found.isoformat()}, which is not after {after.isoformat()}")
        return found if found is not None and (end is None or found <= end) else None

    def preview(self, after: datetime, count: int) -> list[datetime]:
        """The next `count` due instants."""
        found: list[datetime] = []
        at: datetime | None = after
        while len(found) < count and (at := self.next_fire(at or after)) is not None:
            found.append(at)
        return found


def schedule_of(
    entry: TriggerEntry, configuration: dict[str, object], calendar: BusinessCalendar | None = None
) -> Schedule:
    """The schedule of a trigger, on the days of a calendar if one is given.

    Raises:
        ConfigError: it is not one of the clock's, or its configuration does not fit.
        PluginError: its plugin cannot be used.
    """
    manifest = entry.manifest
    if manifest.mode != "time" or manifest.factory is None:
        raise ConfigError(f"'{manifest.title}' has no schedule; choose cron, interval or rrule", field="type")
    config = parse_config(manifest.config, configuration)
    if not isinstance(config, TimeConfig):
        raise ConfigError(f"the config of '{manifest.id}' is no TimeConfig; tell the maker of its plugin")
    for name in ("start_at", "end_at"):
        value = getattr(config, name)
        if value is not None and value.tzinfo is None:
            raise ConfigError(f"write '{name}' with an offset, e.g. 2026-03-01T07:00:00+01:00", field=name)
    work = load(manifest.factory.load, entry.plugin)(config, zone_of(config.timezone))
    return Schedule(config, work, calendar)


def plan(
    next_fire: NextFire, first: datetime, now: datetime, *, misfire: Misfire, grace_s: float, covered: datetime,
    limit: int = BATCH,
) -> tuple[list[Due], datetime | None]:  # fmt: skip
    """Decide about every instant from `first` to `now`.

    Args:
        next_fire: The schedule.
        first: The oldest due instant.
        now: Of the database.
        misfire: What to do when more than one is due, or one is late.
        grace_s: After which an instant is late.
        covered: Up to where earlier executions went.
        limit: How many may start.

    Returns:
        Ticks, oldest first, and the next due instant (it may be due already).
    """
    if misfire == "run_all":
        return _all(next_fire, first, now, covered, limit)
    last, following, missed = _last(next_fire, first, now)
    late = now - last > timedelta(seconds=grace_s)
    if misfire == "skip" and late:
        return [Due(fire_at=last, covers_from=covered, starts=False, missed=missed)], following
    return [Due(fire_at=last, covers_from=covered, missed=missed)], following


def _all(
    next_fire: NextFire, first: datetime, now: datetime, covered: datetime, limit: int
) -> tuple[list[Due], datetime | None]:
    ticks: list[Due] = []
    at: datetime | None = first
    while at is not None and at <= now and len(ticks) < limit:
        ticks.append(Due(fire_at=at, covers_from=covered))
        covered, at = at, next_fire(at)
    return ticks, at


def _last(next_fire: NextFire, first: datetime, now: datetime) -> tuple[datetime, datetime | None, int]:
    """The newest instant up to `now`, the one after it, and how many lie before it."""
    last, missed = first, 0
    following = next_fire(last)
    while following is not None and following <= now:
        last, missed = following, missed + 1
        if missed % WALK == 0:
            last = _leap(next_fire, last, now)
        following = next_fire(last)
    return last, following, missed


def _leap(next_fire: NextFire, last: datetime, now: datetime) -> datetime:
    """A due instant that is nearer to `now`."""
    span = timedelta(seconds=1)
    while now - span > last:
        found = next_fire(now - span)
        if found is not None and found <= now:
            return found
        span *= 2
    return last
