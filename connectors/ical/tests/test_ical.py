"""The contract against a server of calendars; times, zones and repeats; the README's flow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, Reject
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server
from headrace.testing.readme_flow import execute_readme
from headrace_connector_ical.events import events

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260326T090000
DTEND;TZID=Europe/Berlin:20260326T100000
RRULE:FREQ=DAILY;COUNT=5
EXDATE;TZID=Europe/Berlin:20260328T090000
SUMMARY:Stand-up\\, with 😀 and a line that is
  folded
DESCRIPTION:one\\ntwo
BEGIN:VALARM
SUMMARY:not of the event
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:1
RECURRENCE-ID;TZID=Europe/Berlin:20260327T090000
DTSTART;TZID=Europe/Berlin:20260327T120000
DURATION:PT30M
SUMMARY:Moved
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20260401
DTEND;VALUE=DATE:20260402
SUMMARY:All day
ORGANIZER;CN="Ann: B":mailto:ann@example.org
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


class Shelf:
    text = CALENDAR

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization", "") not in {"", "Basic bWU6c2VjcmV0LXdvcmQ="}:
            return Reply(b"", 401)
        return Reply(self.text.encode(), 200 if asked.path == "/team.ics" else 404, {"content-type": "text/calendar"})


@pytest.fixture
def shelf() -> Iterator[tuple[Shelf, HttpServer]]:
    made = Shelf()
    with http_server(made.answer) as server:
        yield made, server


class TestIcal(ConnectorContract):
    connector_id = "ical"

    @pytest.fixture
    def config(self, shelf: tuple[Shelf, HttpServer]) -> dict[str, Any]:
        return {"url": f"{shelf[1].url}/team.ics", "user": "me", "password": "secret-word"}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "wrong-but-secret"}


def test_an_event_is_a_row() -> None:
    one, moved, day = events(CALENDAR)
    assert (one["start"], one["end"]) == ("2026-03-26T08:00:00+00:00", "2026-03-26T09:00:00+00:00")
    assert one["summary"] == "Stand-up, with 😀 and a line that is folded"
    assert one["description"] == "one\ntwo"
    assert moved["end"] == "2026-03-27T11:30:00+00:00"
    assert (day["all_day"], day["start"], day["organizer"]) == (
        True,
        "2026-04-01T00:00:00+00:00",
        "mailto:ann@example.org",
    )


def test_repeats_keep_their_hour_across_daylight_saving_and_follow_what_was_moved() -> None:
    found = events(CALENDAR, (date(2026, 3, 27), date(2026, 4, 30)))
    assert [(row["uid"], row["start"][:16]) for row in found] == [
        ("1", "2026-03-29T07:00"), ("1", "2026-03-30T07:00"), ("1", "2026-03-27T11:00"), ("2", "2026-04-01T00:00"),
    ]  # fmt: skip
    assert found[0]["end"] == "2026-03-29T08:00:00+00:00"


def test_a_rule_without_an_end_ends_with_the_days() -> None:
    text = CALENDAR.replace(";COUNT=5", "").replace("TZID=Europe/Berlin", "TZID=Europe/Berlin")
    assert len(events(text, (date(2026, 3, 29), date(2026, 4, 7)))) == 10 + 1
    until = CALENDAR.replace("COUNT=5", "UNTIL=20260329")
    assert [row["start"][:10] for row in events(until, (date(2026, 3, 28), date(2026, 4, 30)))][:1] == ["2026-03-29"]


def opened(shelf: tuple[Shelf, HttpServer], **more: Any) -> Any:
    entry = load_plugins(only=["connector-ical"], strict=True).registry.connector("ical")
    return entry.open({"url": f"{shelf[1].url}/team.ics", **more})


def test_a_time_in_an_unknown_zone_is_rejected_with_its_text(shelf: tuple[Shelf, HttpServer]) -> None:
    shelf[0].text = CALENDAR.replace("DTSTART;TZID=Europe/Berlin:20260327", "DTSTART;TZID=Nowhere/Town:20260327")
    connector, rejects = opened(shelf), list[Reject]()
    rows = [row for frame in connector.read(connector.discover()[0], reject=rejects.extend) for row in frame.to_dicts()]
    assert [row["uid"] for row in rows] == ["1", "2"]
    assert "Nowhere/Town" in rejects[0].reason
    with pytest.raises(DataError, match="Nowhere/Town"):
        list(connector.read(connector.discover()[0]))
    connector.close()


@pytest.mark.parametrize(
    ("more", "said"),
    [({"first_day": "soon"}, "first and last day are dates"), ({"first_day": "2026-01-01"}, "give both"),
     ({"first_day": "2026-01-02", "last_day": "2026-01-01"}, "not within ten years")],
)  # fmt: skip
def test_days_that_are_none_are_told(more: dict[str, str], said: str, shelf: tuple[Shelf, HttpServer]) -> None:
    connector = opened(shelf, **more)
    with pytest.raises(ConfigError, match=said):
        connector.check()
    connector.close()


def test_the_readme_s_flow(shelf: tuple[Shelf, HttpServer]) -> None:
    done = execute_readme(Path(__file__).parents[1], {"Calendar": ("ical", {"url": f"{shelf[1].url}/team.ics"})})
    assert done["few"].rows_out == 2
