"""What must always hold of executions (durability.md 4.7), for `headrace doctor --deep` and the fault tests.

Run it as the worker role; it may run while workers work. I7, effects once, is not here: it needs the ledger of each
target.
"""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import invariant_queries as sql
from headrace.infra.database import set_tenant

SHOWN = 20


class Violation(Struct, frozen=True):
    """An invariant that does not hold: its id, what it says, and some of the places."""

    id: str
    rule: str
    places: tuple[str, ...]


class Rule(Struct, frozen=True):
    """An invariant and the query for the places where it does not hold."""

    id: str
    text: str
    query: sa.TextClause
    by_organization: bool = False


RULES = (
    Rule("I1", "what a trigger or a call started is there", sql.ACCEPTED),
    Rule("I2", "an execution has ended exactly when none of its segments is open", sql.ENDED),
    Rule("I2b", "an open execution has a segment that can go on", sql.STUCK),
    Rule("I2d", "an execution is waiting exactly while all that is open in it is parked", sql.WAITING),
    Rule("I2c", "a lease that is over is taken back within a minute; is a scheduler running?", sql.UNREAPED),
    Rule("I3", "a completed segment has one successful attempt, its newest that finished; others none", sql.SUCCESS),
    Rule("I3b", "a running segment has one open attempt, its newest; others have none", sql.HELD),
    Rule("I4", "no segment starts before those that it needs have completed", sql.ORDER),
    Rule("I5", "segments_open and segments_total count the segments", sql.OPEN),
    Rule("I5b", "deps_open and live_needed say whether a segment still waits for others", sql.DEPENDENCIES),
    Rule("I6", "an execution ends once, as its events tell", sql.TERMINAL),
    Rule("I8", "no attempt starts after a cancel was acknowledged", sql.AFTER_CANCEL),
    Rule("I9", "attempts count up by one, fences rise, the newest is the segment's", sql.FENCES),
    Rule("I10", "a tick that started has one execution of its trigger, and none is overdue by a minute", sql.TICKS),
    Rule("I11", "events have no gaps", sql.GAPS),
    Rule("I12", "every reference and every stored output stays in its organization", sql.TENANT),
    Rule("I13", "a parked segment has something that wakes it", sql.PARKED),
    Rule("I14", "a wait is open exactly while its segment is parked for it", sql.WAITS, by_organization=True),
    Rule("I15", "an execution is held exactly while a slot of it is full; an ended one has none", sql.SLOTS,
         by_organization=True),
    Rule("I16", "executions of a step belong to it, are numbered once, and end when it has ended", sql.FAMILIES),
    Rule("I17", "what did not complete is undone: each effect once at most, one at a time, the newest first",
         sql.COMPENSATED),
)  # fmt: skip


async def check(session: AsyncSession) -> list[Violation]:
    """Every invariant that does not hold now; empty is what it should be."""
    organizations = (await session.scalars(sql.ORGANIZATIONS)).all()
    found = []
    for rule in RULES:
        places: list[str] = []
        if rule.by_organization:
            for organization_id in organizations:
                await set_tenant(session, organization_id)
                where = {"organization_id": organization_id, "limit": SHOWN - len(places)}
                places += (await session.scalars(rule.query, where)).all()
            await set_tenant(session, None)
        else:
            places += (await session.scalars(rule.query, {"limit": SHOWN})).all()
        if places:
            found.append(Violation(rule.id, rule.text, tuple(places)))
    return found
