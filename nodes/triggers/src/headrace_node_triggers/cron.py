"""Cron: cronsim tells the times (its rules for clock changes are Debian's), the holidays package the days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from headrace.sdk import ConfigError, TimeTrigger

from headrace_node_triggers.configs import CronConfig

SHIFT_DAYS = 31
"""No holiday season is longer; what would move further is left out."""
_NAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip


class Cron(TimeTrigger[CronConfig]):
    """Times of a cron expression on the days of a calendar."""

    def __init__(self, config: CronConfig, zone: ZoneInfo) -> None:
        super().__init__(config, zone)
        text = config.expression.strip()
        self._expression = _NAMES.get(text.lower(), text)
        try:
            CronSim(self._expression, datetime(2024, 1, 1, tzinfo=zone))
        except CronSimError as error:
            raise ConfigError(
                f"'{text}' is no cron expression ({error}); write minute hour day month weekday, e.g. 0 7 * * 1-5",
                field="expression",
            ) from None
        self._holidays = _calendar(config.country, config.subdivision) if config.country else None
        if config.days == "holidays" and self._holidays is None:
            raise ConfigError("choose a holiday calendar, e.g. DE, to run on holidays", field="country")

    def next_fire(self, after: datetime) -> datetime | None:
        """The first time after `after` on a day that counts."""
        start = after - timedelta(days=SHIFT_DAYS) if self.config.shift == "next" and self._picky else after
        times = self._times(start)
        while (time := next(times, None)) is not None:
            moved = self._moved(time)
            if moved is not None and moved > after:
                return moved
            if self._picky:  # the rest of a day that does not count cannot either
                local = time.astimezone(self.zone)
                if not self._counts(local.date()) and self.config.shift != "next":
                    times = self._times(local.replace(hour=23, minute=59, second=59).astimezone(UTC))
        return None

    @property
    def _picky(self) -> bool:
        return self.config.days != "all"

    def _times(self, after: datetime) -> Iterator[datetime]:
        for time in CronSim(self._expression, after.astimezone(self.zone)):
            yield time.astimezone(UTC)

    def _moved(self, time: datetime) -> datetime | None:
        local = time.astimezone(self.zone)
        if not self._picky or self._counts(local.date()):
            return time
        if self.config.shift == "skip":
            return None
        step = timedelta(days=1 if self.config.shift == "next" else -1)
        day = local.date()
        for _ in range(SHIFT_DAYS):
            day += step
            if self._counts(day):
                return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
        return None

    def _counts(self, day: date) -> bool:
        holiday = self._holidays is not None and day in self._holidays
        return holiday if self.config.days == "holidays" else day.weekday() < 5 and not holiday


@lru_cache(maxsize=256)
def _calendar(country: str, subdivision: str) -> Any:
    import holidays

    try:
        return holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        place = f"{country}-{subdivision}" if subdivision else country
        field = "subdivision" if subdivision else "country"
        raise ConfigError(f"there is no holiday calendar for '{place}'; choose another", field=field) from None
