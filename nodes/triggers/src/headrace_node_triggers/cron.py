"""Cron: cronsim tells the times (its rules for clock changes are Debian's), a business calendar the days."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from headrace.sdk import BusinessCalendar, ConfigError, TimeTrigger
from headrace.sdk.calendars import public_holidays

from headrace_node_triggers.configs import CronConfig

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
        if config.days == "holidays" and not config.country:
            raise ConfigError("choose a holiday calendar, e.g. DE, to run on holidays", field="country")
        if config.calendar_id and (config.country or config.days != "all"):
            raise ConfigError("take either a calendar or a country and days of its own", field="calendar_id")
        if config.country:
            public_holidays(config.country, config.subdivision)
        self._calendar = BusinessCalendar(
            country=config.country, subdivision=config.subdivision, holidays=config.days == "holidays",
            shift=config.shift,
        )  # fmt: skip

    def next_fire(self, after: datetime) -> datetime | None:
        """The first time after `after` on a day that counts."""
        if self.config.days == "all":
            return self._time(after)
        return self._calendar.next_fire(self._time, after, self.zone)

    def _time(self, after: datetime) -> datetime | None:
        time = next(CronSim(self._expression, after.astimezone(self.zone)), None)
        return None if time is None else time.astimezone(UTC)
