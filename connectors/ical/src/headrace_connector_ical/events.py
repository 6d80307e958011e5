"""Events of an iCalendar text (RFC 5545): unfolded, unescaped, in UTC, and repeated where it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrulestr
from msgspec import Struct

AT_MOST = 5_000
"""Times of one event."""
_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^;:\"]*))*):(.*)", re.DOTALL)
_PARAM = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^;:\"]*))")
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_TEXTS = {"SUMMARY", "DESCRIPTION", "LOCATION", "STATUS", "CATEGORIES", "URL", "ORGANIZER"}


class Property(Struct, frozen=True):
    """A line: its parameters and its value."""

    params: dict[str, str]
    value: str


Event = dict[str, list[Property]]


def events(text: str, days: tuple[date, date] | None = None) -> list[dict[str, Any]]:
    """Records of the events; what cannot be read stays as its text, so that it is rejected with its words.

    Args:
        text: Of the file.
        days: First and last one to repeat events in.
    """
    found = list(_components(text))
    moved = {(_value(event, "UID"), _stamp(event, "RECURRENCE-ID")) for event in found if "RECURRENCE-ID" in event}
    rows: list[dict[str, Any]] = []
    for event in found:
        rows += [_record(event)] if days is None else _repeated(event, days, moved)
    return rows


def _components(text: str) -> Iterator[Event]:
    """Properties of each VEVENT; what is nested in one (alarms) is left out."""
    inside: list[str] = []
    event: Event = {}
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, params, value = found[1].upper(), found[2], found[3]
        if name == "BEGIN":
            inside.append(value.upper())
            event = {} if value.upper() == "VEVENT" else event
        elif name == "END":
            if inside and inside.pop() == "VEVENT":
                yield event
        elif inside and inside[-1] == "VEVENT":
            given = {key.upper(): quoted or plain for key, quoted, plain in _PARAM.findall(params)}
            event.setdefault(name, []).append(Property(given, value))


def _record(event: Event) -> dict[str, Any]:
    start, end = _stamp(event, "DTSTART"), _stamp(event, "DTEND")
    length = _duration(event)
    if end is None and isinstance(start, datetime) and length is not None:
        end = start + length
    made: dict[str, Any] = {name.lower(): _text(event, name) for name in _TEXTS}
    return {
        **made, "uid": _value(event, "UID"), "start": _iso(start), "end": _iso(end),
        "all_day": _whole_day(event), "repeats": _value(event, "RRULE"),
        "updated": _iso(_stamp(event, "LAST-MODIFIED") or _stamp(event, "DTSTAMP")),
    }  # fmt: skip


def _repeated(event: Event, days: tuple[date, date], moved: set[tuple[Any, Any]]) -> Iterator[dict[str, Any]]:
    """A record for each time between the days."""
    whole, start = _record(event), _local(event)
    first = datetime.combine(days[0], time(), UTC)
    last = datetime.combine(days[1] + timedelta(days=1), time(), UTC)
    if start is None:
        yield whole
        return
    end = _stamp(event, "DTEND")
    length = end - start.astimezone(UTC) if isinstance(end, datetime) else _duration(event)
    for at in _times(event, start, last):
        moment = at.astimezone(UTC)
        if not first <= moment < last or ("RECURRENCE-ID" not in event and (whole["uid"], moment) in moved):
            continue
        yield {**whole, "start": _iso(moment), "end": _iso(moment + length) if length is not None else None}


def _times(event: Event, start: datetime, last: datetime) -> Iterator[datetime]:
    left_out = {_moment(Property(one.params, part)) for one in event.get("EXDATE", []) for part in one.value.split(",")}
    more = {_moment(Property(one.params, part)) for one in event.get("RDATE", []) for part in one.value.split(",")}
    rules = [one.value for one in event.get("RRULE", [])]
    found = {start} if not rules else set()
    for rule in rules:
        plain = re.sub(
            r"UNTIL=(\d{8})(T\d{6}Z?)?", lambda m: f"UNTIL={m[1]}{m[2] or 'T235959'}".rstrip("Z") + "Z", rule
        )
        for count, at in enumerate(rrulestr(plain, dtstart=start)):
            if at.astimezone(UTC) >= last or count >= AT_MOST:
                break
            found.add(at)
    found |= {one for one in more if isinstance(one, datetime)}
    yield from sorted(at for at in found if at.astimezone(UTC) not in left_out)


def _local(event: Event) -> datetime | None:
    """The start in its own zone, so that it repeats at the same time of day all year."""
    one = next(iter(event.get("DTSTART", [])), None)
    moment = _moment(one) if one is not None else None
    if one is None or not isinstance(moment, datetime):
        return None
    zone = one.params.get("TZID", "").strip("/")
    return moment.astimezone(ZoneInfo(zone)) if zone in available_timezones() else moment


def _stamp(event: Event, name: str) -> Any:
    one = next(iter(event.get(name, [])), None)
    return _moment(one) if one is not None else None


def _moment(one: Property) -> datetime | str:
    """The moment in UTC; a day begins at midnight UTC. The text if it is none, or of an unknown zone."""
    value, zone = one.value.strip(), one.params.get("TZID", "").strip("/")
    try:
        if len(value) == 8:
            return datetime.strptime(value, "%Y%m%d").replace(tzinfo=UTC)
        moment = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - its zone is told apart
    except ValueError:
        return value
    if value.endswith("Z") or not zone:
        return moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if zone in available_timezones() else f"{value} {zone}"


def _duration(event: Event) -> timedelta | None:
    found = _DURATION.fullmatch(_value(event, "DURATION") or "")
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def _whole_day(event: Event) -> bool:
    return len((_value(event, "DTSTART") or "").strip()) == 8


def _value(event: Event, name: str) -> str | None:
    one = next(iter(event.get(name, [])), None)
    return one.value if one is not None else None


def _text(event: Event, name: str) -> str | None:
    found = [_ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], one.value) for one in event.get(name, [])]
    return ", ".join(found) or None


def _iso(moment: Any) -> Any:
    return moment.isoformat() if isinstance(moment, datetime) else moment
