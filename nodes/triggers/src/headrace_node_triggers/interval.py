"""Intervals: seconds to hours by the absolute clock, days to months by the wall clock of the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta
from headrace.sdk import TimeTrigger

from headrace_node_triggers.configs import IntervalConfig

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600}
_DAYS = {"days": 1, "weeks": 7}
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday and the first of a month: intervals without a start count from here."""


class Interval(TimeTrigger[IntervalConfig]):
    """Every so many units since the start."""

    def next_fire(self, after: datetime) -> datetime | None:
        """The first multiple of the interval after `after`."""
        every, unit = self.config.every, self.config.unit
        if unit in _SECONDS:
            start = self.config.start_at or EPOCH
            step = every * _SECONDS[unit]
            return start + timedelta(seconds=((after - start) // timedelta(seconds=step) + 1) * step)
        given = self.config.start_at
        first = given.astimezone(self.zone).replace(tzinfo=None) if given else EPOCH.replace(tzinfo=None)
        local = after.astimezone(self.zone).replace(tzinfo=None)
        if unit in _DAYS:
            number = (local - first) // timedelta(days=every * _DAYS[unit])
        else:
            number = ((local.year - first.year) * 12 + local.month - first.month) // every
        number -= 1
        while (time := self._time(first, number)) <= after:
            number += 1
        return time

    def _time(self, first: datetime, number: int) -> datetime:
        every, unit = self.config.every * number, self.config.unit
        moved = first + (relativedelta(months=every) if unit == "months" else timedelta(days=every * _DAYS[unit]))
        return moved.replace(tzinfo=self.zone).astimezone(UTC)
