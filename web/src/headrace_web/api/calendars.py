"""Business calendars: working days, holidays, own dates, and the rule for other days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.triggers import calendars
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType, field, to_builtins

from headrace_web.api.flows import checked_name
from headrace_web.api.triggers import IfMatch
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import permission

Weekdays = Annotated[list[Annotated[int, Meta(ge=1, le=7)]], Meta(max_length=7)]
Country = Annotated[str, Meta(pattern="^([A-Z]{2})?$", description="Two capital letters such as DE, or nothing.")]
Shift = Literal["skip", "next", "previous"]


class OwnDate(ApiStruct):
    """A day that is different: off, or worked."""

    date: date
    name: Annotated[str, Meta(max_length=255)] = ""
    working: bool = False


class CalendarOut(Struct, kw_only=True):
    """A calendar; working days count from 1, Monday."""

    id: UUID
    name: str
    description: str
    working_days: list[int]
    country: str
    subdivision: str
    dates: list[Any]
    shift: str
    created_at: datetime
    updated_at: datetime
    row_version: int


class CalendarPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    working_days: Weekdays | UnsetType = UNSET
    country: Country | UnsetType = UNSET
    subdivision: str | UnsetType = UNSET
    dates: Annotated[list[OwnDate], Meta(max_length=1_000)] | UnsetType = UNSET
    shift: Shift | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class CalendarBody(CalendarPatch, kw_only=True):
    """A new calendar; Monday to Friday unless it says otherwise."""

    name: str


class CalendarPut(CalendarBody, kw_only=True):
    """A calendar as it shall be: what is left out takes its default."""

    description: str = ""
    working_days: Weekdays = field(default_factory=lambda: [1, 2, 3, 4, 5])
    country: Country = ""
    subdivision: str = ""
    dates: Annotated[list[OwnDate], Meta(max_length=1_000)] = []
    shift: Shift = "skip"


class Day(Struct, kw_only=True):
    """A day of a calendar, with the name of the holiday or own date."""

    date: date
    working: bool
    name: str


class CalendarsController(Controller):
    """Calendars."""

    path = "/calendars"
    tags = ("calendars",)

    @get("/", opt=permission("schedule:read"))
    async def list_calendars(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[CalendarOut]]:
        """Calendars by name."""
        async with ctx.transaction() as session:
            rows, total = await calendars.list_(session, ctx.actor, limit=paging.limit, offset=paging.offset)
        return page_of([shown(CalendarOut, row) for row in rows], total, paging)

    @post("/", opt=permission("schedule:create"))
    async def create_calendar(
        self, ctx: NamedDependency[Context], data: JSONBody[CalendarBody]
    ) -> Envelope[CalendarOut]:
        """Make a calendar."""
        async with ctx.transaction() as session:
            return ok(shown(CalendarOut, await calendars.create(session, ctx.actor, _fields(data))))

    @get("/{calendar_id:uuid}", opt=permission("schedule:read"))
    async def get_calendar(self, ctx: NamedDependency[Context], calendar_id: FromPath[UUID]) -> Envelope[CalendarOut]:
        """One calendar."""
        async with ctx.transaction() as session:
            return ok(shown(CalendarOut, await calendars.get(session, ctx.actor, calendar_id)))

    @patch("/{calendar_id:uuid}", opt=permission("schedule:update"))
    async def update_calendar(
        self, ctx: NamedDependency[Context], calendar_id: FromPath[UUID], data: JSONBody[CalendarPatch],
        if_match: IfMatch = None,
    ) -> Envelope[CalendarOut]:  # fmt: skip
        """Change what is given; schedules that use it are planned anew."""
        return ok(await _changed(ctx, calendar_id, data, if_match))

    @put("/{calendar_id:uuid}", opt=permission("schedule:update"))
    async def replace_calendar(
        self, ctx: NamedDependency[Context], calendar_id: FromPath[UUID], data: JSONBody[CalendarPut],
        if_match: IfMatch = None,
    ) -> Envelope[CalendarOut]:  # fmt: skip
        """Put the calendar as a whole; schedules that use it are planned anew."""
        return ok(await _changed(ctx, calendar_id, data, if_match))

    @delete("/{calendar_id:uuid}", opt=permission("schedule:delete"), status_code=200)
    async def delete_calendar(
        self, ctx: NamedDependency[Context], calendar_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a calendar that no schedule uses."""
        async with ctx.transaction() as session:
            await calendars.delete(session, ctx.actor, calendar_id)
        return ok({"id": calendar_id})

    @get("/{calendar_id:uuid}/days", opt=permission("schedule:read"))
    async def list_days(
        self, ctx: NamedDependency[Context], calendar_id: FromPath[UUID],
        since: Annotated[date, QueryParameter(name="from")], until: Annotated[date, QueryParameter(name="to")],
    ) -> Envelope[list[Day]]:  # fmt: skip
        """Each day of a span, and whether it counts."""
        async with ctx.transaction() as session:
            row = await calendars.get(session, ctx.actor, calendar_id)
        return ok([Day(**one) for one in calendars.days(row, since, until)])


async def _changed(ctx: Context, calendar_id: UUID, data: CalendarPatch, if_match: str | None) -> CalendarOut:
    async with ctx.transaction() as session:
        await calendars.get(session, ctx.actor, calendar_id)
        version = base_version(if_match, data.row_version, "calendar")
        return shown(CalendarOut, await calendars.update(session, ctx.actor, calendar_id, _fields(data), version))


def _fields(data: CalendarPatch) -> dict[str, Any]:
    fields = given(data, "row_version")
    if "name" in fields:
        fields["name"] = checked_name(fields["name"])
    if "dates" in fields:
        fields["dates"] = to_builtins(fields["dates"])
    return fields
