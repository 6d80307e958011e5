"""Books: what is only ever written down, kept by months. A month of which all is due goes by its partition.

How many days each is kept is data of the organization: `settings.retention.<setting>`, else the default. Who keeps
fewer days than others loses theirs before that, by rows; so do all where nobody may drop months.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra import partitions
from headrace.infra.clock import now

_PLATFORM = sa.text("SELECT set_config('app.platform', 'on', true)")
"""For the rest of the transaction every organization may be read."""
_organizations = sa.table("organizations", sa.column("id"), sa.column("settings", JSONB))


class Book(Struct, frozen=True):
    """A table that is kept by months.

    Attributes:
        table: Its rows have `organization_id` and `created_at`.
        setting: Below `settings.retention` of an organization.
        days: Where the organization says nothing.
        open: The status of rows that are still needed; empty where none are.
    """

    table: str
    setting: str
    days: int
    open: str = ""


BOOKS = (
    Book("trigger_ticks", "ticks_days", 90),
    Book("trigger_duplicates", "duplicates_days", 30),
    Book("asset_updates", "assets_days", 90),
    Book("event_deliveries", "deliveries_days", 30, open="pending"),
)


def _kept(book: Book) -> sa.ColumnElement[float]:
    """Days that an organization keeps a book, between a day and a hundred years."""
    said = _organizations.c.settings["retention"][book.setting]
    days = sa.func.least(sa.func.greatest(sa.cast(said, sa.Float), 1), 36_500)
    return sa.case((sa.func.jsonb_typeof(said) == "number", days), else_=float(book.days))


def _rows(book: Book) -> sa.TableClause:
    return sa.table(book.table, sa.column("organization_id"), sa.column("created_at", sa.DateTime(timezone=True)),
                    sa.column("status"))  # fmt: skip


async def longest(session: AsyncSession) -> dict[str, float]:
    """For each book the days of who keeps it longest, in a transaction of the worker role."""
    await session.execute(_PLATFORM)
    query = sa.select(*(sa.func.max(_kept(book)) for book in BOOKS)).select_from(_organizations)
    found = (await session.execute(query)).one()
    return {book.table: float(days or book.days) for book, days in zip(BOOKS, found, strict=True)}


async def due(session: AsyncSession, tables: Mapping[str, Sequence[date]]) -> list[tuple[str, date]]:
    """Months that may be dropped, as (table, month), in a transaction of the worker role."""
    days, found = await longest(session), []
    for book in BOOKS:
        rows = _rows(book)
        for month in tables.get(book.table, ()):
            end = partitions.begin(partitions.later(month))
            if end + timedelta(days=days[book.table]) > now():
                continue
            needed = sa.select(sa.literal(1)).where(
                rows.c.created_at >= partitions.begin(month), rows.c.created_at < end, rows.c.status == book.open
            )
            if not (book.open and await session.scalar(needed.limit(1))):
                found.append((book.table, month))
    return found


async def forget(session: AsyncSession, *, months: bool) -> int:
    """Remove rows that are due, in a transaction of the worker role. Returns how many.

    Args:
        session: Of the worker role.
        months: Whether somebody drops months: then who keeps a book longest waits for that.
    """
    removed, waits = 0, await longest(session)
    for book in BOOKS:
        rows, days = _rows(book), _kept(book)
        past = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, 86_400 * days)
        statement = rows.delete().where(rows.c.organization_id == _organizations.c.id, rows.c.created_at < past)
        if months:
            statement = statement.where(days < waits[book.table])
        if book.open:
            statement = statement.where(rows.c.status != book.open)
        removed += (await session.execute(statement)).rowcount  # type: ignore[attr-defined]
    return removed
