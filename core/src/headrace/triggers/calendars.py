"""Business calendars: kept by name, used by schedules, never removed while one uses them. Nothing commits here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from headrace.flows.service import check_version
from headrace.infra.clock import now
from headrace.infra.models import TenantModel
from headrace.sdk.calendars import BusinessCalendar, public_holidays
from headrace.sdk.errors import ConfigError, Conflict, NotFound

EDITABLE = frozenset({"name", "description", "working_days", "country", "subdivision", "dates", "shift"})
DAYS_MAX = 1_100

_USERS = sa.text("""
SELECT coalesce(nullif(t.name, ''), f.name) FROM triggers t
JOIN flows f ON f.organization_id = t.organization_id AND f.id = t.flow_id
WHERE t.organization_id = :organization_id AND t.calendar_id = :id AND t.deleted_at IS NULL ORDER BY 1 LIMIT 3
""")
_LET_GO = sa.text("""
UPDATE triggers SET calendar_id = NULL
WHERE organization_id = :organization_id AND calendar_id = :id AND deleted_at IS NOT NULL
""")
_PLAN_AGAIN = sa.text("""
UPDATE triggers SET next_fire_at = NULL, wake_at = clock_timestamp()
WHERE organization_id = :organization_id AND calendar_id = :id AND armed
""")
_TELL = sa.text("SELECT pg_notify('headrace_triggers', '')")


class Calendar(TenantModel):
    """A business calendar.

    Attributes:
        working_days: 1 is Monday, 7 Sunday.
        country: Whose public holidays do not count; empty knows none.
        dates: Own dates, `{date, name, working}`; they come before everything else.
        shift: Where a schedule's time on another day goes.
    """

    __tablename__ = "calendars"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    working_days: Mapped[list[int]] = mapped_column(ARRAY(sa.Integer()))
    country: Mapped[str] = mapped_column(default="")
    subdivision: Mapped[str] = mapped_column(default="")
    dates: Mapped[list[Any]] = mapped_column(default=list)
    shift: Mapped[str] = mapped_column(default="skip")
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]

    @property
    def rules(self) -> BusinessCalendar:
        """What schedules follow."""
        shift: Any = self.shift
        return BusinessCalendar(
            working_days=frozenset(self.working_days), country=self.country, subdivision=self.subdivision,
            own={date.fromisoformat(one["date"]): bool(one.get("working")) for one in self.dates}, shift=shift,
        )  # fmt: skip


async def create(session: AsyncSession, actor: Any, fields: Mapping[str, Any]) -> Calendar:
    """Make a calendar.

    Raises:
        Conflict: the name is taken.
        ConfigError: no such country, or no day counts.
    """
    row = Calendar(organization_id=actor.organization_id, created_by=actor.user_id, updated_by=actor.user_id)
    await _set(session, row, {"working_days": [1, 2, 3, 4, 5], **fields})
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Any, calendar_id: UUID) -> Calendar:
    """A calendar.

    Raises:
        NotFound: it does not exist or belongs to others.
    """
    row = await session.get(Calendar, (actor.organization_id, calendar_id))
    if row is None:
        raise NotFound("there is no such calendar", resource="calendar")
    return row


async def list_(
    session: AsyncSession, actor: Any, *, limit: int = 20, offset: int = 0
) -> tuple[Sequence[Calendar], int]:  # fmt: skip
    """Calendars by name, and how many there are."""
    query = sa.select(Calendar).where(Calendar.organization_id == actor.organization_id)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(sa.func.lower(Calendar.name)).limit(limit).offset(offset))
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Any, calendar_id: UUID, changes: Mapping[str, Any], row_version: int | None
) -> Calendar:
    """Change a calendar; schedules that use it are planned anew.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        Conflict, ConfigError: as `create`.
    """
    row = await get(session, actor, calendar_id)
    check_version(row.row_version, row_version, "calendar")
    await _set(session, row, changes)
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    await session.execute(_PLAN_AGAIN, {"organization_id": row.organization_id, "id": row.id})
    await session.execute(_TELL)
    return row


async def delete(session: AsyncSession, actor: Any, calendar_id: UUID) -> None:
    """Remove a calendar.

    Raises:
        Conflict: a schedule uses it.
    """
    row = await get(session, actor, calendar_id)
    key = {"organization_id": row.organization_id, "id": row.id}
    users = (await session.scalars(_USERS, key)).all()
    if users:
        named = ", ".join(f"'{name}'" for name in users)
        raise Conflict(f"the calendar '{row.name}' is used by {named}; take it from there first")
    await session.execute(_LET_GO, key)
    await session.delete(row)
    await session.flush()


async def rules_of(session: AsyncSession, organization_id: UUID, text: str) -> tuple[UUID, BusinessCalendar]:
    """The calendar that a schedule names.

    Raises:
        ConfigError: there is none.
    """
    try:
        row = await session.get(Calendar, (organization_id, UUID(text)))
    except ValueError:
        row = None
    if row is None:
        raise ConfigError("there is no such calendar; choose one of the list", field="calendar_id")
    return row.id, row.rules


def days(row: Calendar, since: date, until: date) -> list[dict[str, Any]]:
    """Each day: whether it counts, and why not where that has a name.

    Raises:
        ConfigError: the span is empty or longer than three years.
    """
    if not timedelta(0) <= until - since <= timedelta(days=DAYS_MAX):
        raise ConfigError("the span has one day to three years; `from` lies before `to`", field="to")
    rules = row.rules
    own = {one["date"]: one.get("name", "") for one in row.dates}
    span = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    return [
        {"date": day, "working": rules.counts(day), "name": own.get(day.isoformat()) or rules.name_of(day)}
        for day in span
    ]  # fmt: skip


async def _set(session: AsyncSession, row: Calendar, changes: Mapping[str, Any]) -> None:
    unknown = changes.keys() - EDITABLE
    if unknown:
        raise ConfigError(f"'{min(unknown)}' of a calendar cannot be changed", field=min(unknown))
    for name, value in changes.items():
        setattr(row, name, value)
    row.working_days = sorted(set(row.working_days))
    dates = [one["date"] for one in row.dates or []]
    twice = next((day for day in dates if dates.count(day) > 1), None)
    if twice:
        raise ConfigError(f"the date {twice} is there twice; keep one of them", field="dates")
    if row.subdivision and not row.country:
        raise ConfigError("a subdivision needs its country, e.g. DE", field="country")
    if row.country:
        public_holidays(row.country, row.subdivision or "")
    if not row.working_days and not any(one.get("working") for one in row.dates or []):
        raise ConfigError("no day of this calendar counts; name a working day", field="working_days")
    others = sa.select(Calendar).where(
        Calendar.organization_id == row.organization_id, sa.func.lower(Calendar.name) == row.name.lower(),
        Calendar.id != row.id if row.id else sa.true(),
    )  # fmt: skip
    with session.no_autoflush:
        taken = await session.scalar(others.limit(1))
    if taken is not None:
        raise Conflict(f"there is a calendar '{row.name}' already; choose another name", field="name")
