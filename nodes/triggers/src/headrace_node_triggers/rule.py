"""Recurrence rules of iCalendar, by dateutil, on the wall clock of the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr
from headrace.sdk import ConfigError, TimeTrigger

from headrace_node_triggers.configs import RuleConfig
from headrace_node_triggers.interval import EPOCH


class Rule(TimeTrigger[RuleConfig]):
    """Times of one RRULE."""

    def __init__(self, config: RuleConfig, zone: ZoneInfo) -> None:
        super().__init__(config, zone)
        start = config.start_at.astimezone(zone).replace(tzinfo=None) if config.start_at else EPOCH.replace(tzinfo=None)
        text = config.rule.strip().removeprefix("RRULE:")
        if "\n" in text or "DTSTART" in text.upper():
            raise ConfigError("write one rule, without DTSTART; `Not before` is its start", field="rule")
        try:
            made = rrulestr(text, dtstart=start)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"'{text}' is no recurrence rule ({error}); write e.g. FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0",
                field="rule",
            ) from None
        self._rule: rrule | rruleset = made

    def next_fire(self, after: datetime) -> datetime | None:
        """The first time of the rule after `after`."""
        local = after.astimezone(self.zone).replace(tzinfo=None) - timedelta(hours=3)
        for _ in range(100_000):
            found: datetime | None = self._rule.after(local)
            if found is None:
                return None
            time = found.replace(tzinfo=self.zone).astimezone(UTC)
            if time > after:
                return time
            local = found
        return None
