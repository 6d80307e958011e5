"""When schedules are due: clock changes in two zones, leap days, holidays, months that are too short."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import BusinessCalendar, ConfigError, config_schema
from headrace.triggers.plan import schedule_of
from hypothesis import given, settings
from hypothesis import strategies as st

REGISTRY = load_plugins(only=["node-triggers"], strict=True).registry


def times(kind: str, after: str, count: int, **config) -> list[str]:
    """Due instants on the wall clock of the zone."""
    schedule = schedule_of(REGISTRY.trigger(kind), config)
    zone = ZoneInfo(config.get("timezone", "UTC"))
    start = datetime.fromisoformat(after)
    start = start if start.tzinfo else start.replace(tzinfo=zone)
    return [at.astimezone(zone).isoformat() for at in schedule.preview(start, count)]


def test_a_time_in_the_gap_of_spring_is_due_right_after_it():
    assert times("cron", "2026-03-28T12:00", 3, expression="30 2 * * *", timezone="Europe/Berlin") == [
        "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00",
    ]  # fmt: skip
    assert times("cron", "2026-03-07T12:00", 2, expression="30 2 * * *", timezone="America/New_York") == [
        "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00",
    ]  # fmt: skip


def test_a_fixed_time_of_the_doubled_hour_of_autumn_is_due_once():
    assert times("cron", "2026-10-24T12:00", 2, expression="30 2 * * *", timezone="Europe/Berlin") == [
        "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
    ]  # fmt: skip
    assert times("cron", "2026-10-31T12:00", 2, expression="30 1 * * *", timezone="America/New_York") == [
        "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00",
    ]  # fmt: skip


def test_a_time_of_every_half_hour_is_due_in_both_hours_of_autumn():
    found = times("cron", "2026-10-25T00:50+02:00", 7, expression="*/30 * * * *", timezone="Europe/Berlin")
    assert found == [
        "2026-10-25T01:00:00+02:00", "2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]  # fmt: skip


def test_leap_days():
    assert times("cron", "2026-01-01T00:00", 3, expression="0 0 29 2 *") == [
        "2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00", "2036-02-29T00:00:00+00:00",
    ]  # fmt: skip
    assert times("cron", "2028-02-01T00:00", 2, expression="0 6 L * *") == [
        "2028-02-29T06:00:00+00:00", "2028-03-31T06:00:00+00:00",
    ]  # fmt: skip
    assert times("interval", "2028-02-28T12:00", 2, every=1, unit="days", timezone="Asia/Tokyo") == [
        "2028-02-29T00:00:00+09:00", "2028-03-01T00:00:00+09:00",
    ]  # fmt: skip


def test_working_days_of_a_calendar():
    common = {"expression": "0 7 * * *", "timezone": "Europe/Berlin", "country": "DE", "subdivision": "BY"}
    assert times("cron", "2026-12-23T12:00", 3, **common, days="working_days") == [
        "2026-12-24T07:00:00+01:00", "2026-12-28T07:00:00+01:00", "2026-12-29T07:00:00+01:00",
    ]  # fmt: skip
    assert times("cron", "2026-12-23T12:00", 3, **common, days="holidays") == [
        "2026-12-25T07:00:00+01:00", "2026-12-26T07:00:00+01:00", "2027-01-01T07:00:00+01:00",
    ]  # fmt: skip


@pytest.mark.parametrize(("shift", "expected"), [
    ("skip", ["2027-01-15T07:00:00+00:00", "2027-02-15T07:00:00+00:00"]),
    ("next", ["2026-08-17T07:00:00+00:00", "2026-09-15T07:00:00+00:00"]),
    ("previous", ["2026-08-14T07:00:00+00:00", "2026-09-15T07:00:00+00:00"]),
])  # fmt: skip
def test_a_day_that_does_not_count_moves(shift, expected):
    found = times("cron", "2026-08-01T00:00", 2, expression="0 7 15 * *", days="working_days", shift=shift)
    if shift == "skip":
        found = times("cron", "2026-12-31T00:00", 2, expression="0 7 15 * *", days="working_days", shift=shift)
    assert found == expected


def test_intervals_keep_their_grid_and_the_wall_clock():
    assert times("interval", "2026-06-01T00:00:07", 2, every=10, unit="seconds") == [
        "2026-06-01T00:00:10+00:00", "2026-06-01T00:00:20+00:00",
    ]  # fmt: skip
    assert times("interval", "2026-03-28T12:00", 2, every=1, unit="days", timezone="Europe/Berlin",
                 start_at="2026-01-01T06:00:00+01:00") == [
        "2026-03-29T06:00:00+02:00", "2026-03-30T06:00:00+02:00",
    ]  # fmt: skip
    assert times("interval", "2026-01-31T12:00", 3, every=1, unit="months", start_at="2026-01-31T06:00:00+00:00") == [
        "2026-02-28T06:00:00+00:00", "2026-03-31T06:00:00+00:00", "2026-04-30T06:00:00+00:00",
    ]  # fmt: skip


def test_rules():
    assert times("rrule", "2026-01-01T00:00", 2, rule="FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0") == [
        "2026-01-30T17:00:00+00:00", "2026-02-27T17:00:00+00:00",
    ]  # fmt: skip


def test_bounds():
    found = times("cron", "2026-01-01T00:00", 9, expression="0 0 * * *", start_at="2026-02-01T00:00:00+00:00",
                  end_at="2026-02-03T00:00:00+00:00")  # fmt: skip
    assert found == [f"2026-02-0{day}T00:00:00+00:00" for day in (1, 2, 3)]


@pytest.mark.parametrize(("kind", "config", "said"), [
    ("cron", {"expression": "61 * * * *"}, "no cron expression"),
    ("cron", {"expression": "0 0 31 2 *"}, "no cron expression"),
    ("cron", {"expression": "@daily", "timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
    ("cron", {"expression": "@daily", "country": "XX"}, "no holiday calendar for 'XX'"),
    ("cron", {"expression": "@daily", "days": "holidays"}, "choose a holiday calendar"),
    ("cron", {"expression": "@daily", "start_at": "2026-01-01T00:00:00"}, "with an offset"),
    ("rrule", {"rule": "FREQ=NEVER"}, "no recurrence rule"),
    ("interval", {"every": 0}, "every"),
    ("webhook", {}, "has no schedule"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(kind, config, said):
    with pytest.raises(ConfigError, match=said):
        schedule_of(REGISTRY.trigger(kind), config)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 1,2,3 * * 0", "0 12 29 2 *", "59 23 L * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_instants_grow_and_none_is_left_out(expression, zone, after):
    """The next instant from anywhere before it is the same instant: no due time depends on when it is asked for."""
    schedule = schedule_of(REGISTRY.trigger("cron"), {"expression": expression, "timezone": zone})
    first = schedule.next_fire(after)
    assert first > after
    assert schedule.next_fire(after + (first - after) / 2) == first
    assert schedule.next_fire(first - timedelta(seconds=1)) == first
    assert schedule.next_fire(first) > first


def test_every_kind_has_a_form_texts_and_a_node():
    for name, entry in REGISTRY.triggers.items():
        schema = config_schema(entry.manifest.config)
        assert "anyOf" not in str(schema)
        assert entry.manifest.summary
        assert entry.manifest.docs
        for field, shape in schema["properties"].items():
            assert shape.get("title"), f"{name}.{field}"
            assert shape.get("description"), f"{name}.{field}"
        node = REGISTRY.node(f"triggers.{name}").manifest
        assert (node.kind, node.inputs) == ("trigger", ())


def on(calendar: BusinessCalendar, kind: str, after: str, count: int, **config) -> list[str]:
    """Due instants on the days of a calendar."""
    zone = ZoneInfo(config.get("timezone", "UTC"))
    schedule = schedule_of(REGISTRY.trigger(kind), config, calendar)
    start = datetime.fromisoformat(after).replace(tzinfo=zone)
    return [at.astimezone(zone).isoformat() for at in schedule.preview(start, count)]


def test_every_kind_of_schedule_keeps_to_a_calendar():
    calendar = BusinessCalendar(
        working_days=frozenset({1, 2, 3, 4}), country="DE", own={date(2026, 12, 28): False, date(2027, 1, 2): True}
    )
    expected = ["2026-12-24T07:00:00+01:00", "2026-12-29T07:00:00+01:00", "2026-12-30T07:00:00+01:00",
                "2026-12-31T07:00:00+01:00", "2027-01-02T07:00:00+01:00", "2027-01-04T07:00:00+01:00"]  # fmt: skip
    zone = {"timezone": "Europe/Berlin"}
    assert on(calendar, "cron", "2026-12-23T12:00", 6, expression="0 7 * * *", **zone) == expected
    assert on(calendar, "rrule", "2026-12-23T12:00", 6, rule="FREQ=DAILY;BYHOUR=7", **zone) == expected
    assert on(calendar, "interval", "2026-12-23T12:00", 6, every=1, unit="days", start_at="2026-01-01T07:00:00+01:00",
              **zone) == expected  # fmt: skip


def test_the_wall_clock_stays_when_a_day_moves_over_a_clock_change():
    spring = BusinessCalendar(shift="next")
    assert on(spring, "cron", "2026-03-27T12:00", 2, expression="30 4 * * *", timezone="Europe/Berlin") == [
        "2026-03-30T04:30:00+02:00", "2026-03-31T04:30:00+02:00",
    ]  # fmt: skip
    autumn = BusinessCalendar(shift="previous")
    assert on(autumn, "cron", "2026-10-22T12:00", 2, expression="30 2 25 * *", timezone="Europe/Berlin") == [
        "2026-10-23T02:30:00+02:00", "2026-11-25T02:30:00+01:00",
    ]  # fmt: skip


def test_a_calendar_without_a_day_that_counts_is_never_due():
    assert on(BusinessCalendar(working_days=frozenset()), "cron", "2026-01-01T00:00", 1, expression="* * * * *") == []


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["0 7 * * *", "0 9,17 * * 5-7", "30 2 * * 0", "0 0 15 * *", "0 12 L * *"]),
    st.sampled_from(["skip", "next", "previous"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_times_on_a_calendar_grow_and_none_is_left_out(expression, shift, zone, after):
    """The same instants come out whether they are asked for one by one or from the middle between two."""
    calendar = BusinessCalendar(country="DE", shift=shift)
    schedule = schedule_of(REGISTRY.trigger("cron"), {"expression": expression, "timezone": zone}, calendar)
    first = schedule.next_fire(after)
    if first is None:
        return
    assert first > after
    assert calendar.counts(first.astimezone(ZoneInfo(zone)).date())
    assert schedule.next_fire(after + (first - after) / 2) == first
    assert schedule.next_fire(first) > first
