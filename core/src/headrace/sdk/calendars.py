"""Business calendars: which days count, and where a time goes that falls on another day. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from headrace.sdk.errors import ConfigError

Shift: TypeAlias = Literal["skip", "next", "previous"]
NextFire: TypeAlias = Callable[[datetime], datetime | None]
SHIFT_DAYS = 31
"""No holiday season is longer; what would move further is left out."""
WALK_DAYS = 28 * 366
"""When nothing is due on a day that counts in as many years, nothing ever is."""


class BusinessCalendar(Struct, frozen=True, kw_only=True):
    """Which days count.

    Attributes:
        working_days: 1 is Monday, 7 Sunday.
        country: Two letters, whose public holidays do not count; empty knows none.
        subdivision: Code of a part of the country.
        own: Own dates: whether each counts, before everything else.
        holidays: Turned round: only public holidays and own days off count.
        shift: Where a time on another day goes.
    """

    working_days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    country: str = ""
    subdivision: str = ""
    own: Mapping[date, bool] = {}
    holidays: bool = False
    shift: Shift = "skip"

    def name_of(self, day: date) -> str:
        """The public holiday on a day; empty when there is none.

        Raises:
            ConfigError: there is no such country or subdivision.
        """
        if not self.country:
            return ""
        return str(public_holidays(self.country, self.subdivision).get(day) or "")

    def counts(self, day: date) -> bool:
        """Whether a day counts."""
        working = self.own.get(day)
        if self.holidays:
            return not working if working is not None else bool(self.name_of(day))
        return working if working is not None else day.isoweekday() in self.working_days and not self.name_of(day)

    def next_fire(self, times: NextFire, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first time after `after` on a day that counts.

        Args:
            times: The schedule without a calendar.
            after: An instant.
            zone: Whose days they are.
        """
        end = after + timedelta(days=WALK_DAYS)
        found: datetime | None = None
        time = times(self._begin(after, zone) if self.shift == "next" else after)
        while time is not None and time <= end and (found is None or not self._settled(found, time, zone)):
            moved = self._moved(time, zone)
            if moved is not None and moved > after and (found is None or moved < found):
                found = moved
            time = times(time if moved is not None else _last_of_day(time, zone))
        return found

    def _begin(self, after: datetime, zone: ZoneInfo) -> datetime:
        """Before the days in a row that do not count and whose times may have moved past `after`."""
        day = first = after.astimezone(zone).date()
        if self.counts(day):
            day -= timedelta(days=1)
        for _ in range(SHIFT_DAYS):
            if self.counts(day):
                break
            first, day = day, day - timedelta(days=1)
        midnight = datetime(first.year, first.month, first.day, tzinfo=zone)
        return min(after, midnight - timedelta(microseconds=1))

    def _settled(self, found: datetime, time: datetime, zone: ZoneInfo) -> bool:
        """Whether neither `time` nor a later one can move before `found`."""
        if self.shift == "previous":
            day = time.astimezone(zone).date()
            return day > found.astimezone(zone).date() and self.counts(day)
        return self.shift == "skip" or time >= found

    def _moved(self, time: datetime, zone: ZoneInfo) -> datetime | None:
        local = time.astimezone(zone)
        day = local.date()
        if self.counts(day):
            return time
        if self.shift == "skip":
            return None
        step = timedelta(days=1 if self.shift == "next" else -1)
        for _ in range(SHIFT_DAYS):
            day += step
            if self.counts(day):
                return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
        return None


def _last_of_day(time: datetime, zone: ZoneInfo) -> datetime:
    """The rest of a day whose times are left out is passed over."""
    return time.astimezone(zone).replace(hour=23, minute=59, second=59, microsecond=999_999).astimezone(UTC)


@lru_cache(maxsize=256)
def public_holidays(country: str, subdivision: str) -> Any:
    """Holidays by day.

    Raises:
        ConfigError: there is no such country or subdivision.
    """
    import holidays

    try:
        return holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        place = f"{country}-{subdivision}" if subdivision else country
        field = "subdivision" if subdivision else "country"
        raise ConfigError(f"there is no holiday calendar for '{place}'; choose another", field=field) from None
