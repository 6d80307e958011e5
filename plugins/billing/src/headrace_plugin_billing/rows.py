"""The way to the rows: one, a page, a change. The session is of the actor's organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import Actor, TenantModel, check_version, new_id, now
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

Row = TypeVar("Row", bound=TenantModel)
NAME_MAX = 255


async def get(session: AsyncSession, actor: Actor, model: type[Row], id_: UUID, what: str) -> Row:
    """One of the organization's.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(model, (actor.organization_id, id_))
    if row is None:
        raise NotFound(f"there is no such {what}", resource=what.replace(" ", "_"))
    return row


async def page(
    session: AsyncSession, model: type[Row], *where: Any, order: Any, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    """A part of those that fit, and how many there are."""
    query = sa.select(model).where(*where)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(order, model.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def add(session: AsyncSession, actor: Actor, row: Row, what: str) -> Row:
    """A new one of the organization's.

    Raises:
        Conflict: its name is taken.
    """
    row.organization_id = actor.organization_id
    row.id = row.id or new_id()
    session.add(row)
    return await _stored(session, row, what)


async def change(session: AsyncSession, row: Row, changes: Mapping[str, Any], version: int | None, what: str) -> Row:
    """Set fields.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        Conflict: its name is taken.
    """
    check_version(row.row_version, version, what)
    for name, value in changes.items():
        setattr(row, name, value)
    row.updated_at = now()
    return await _stored(session, row, what)


def named(text: str, what: str) -> str:
    """A name without blanks around it.

    Raises:
        ConfigError: nothing is left, or too much.
    """
    text = text.strip()
    if not 0 < len(text) <= NAME_MAX:
        raise ConfigError(f"a {what} needs a name of 1 to {NAME_MAX} characters", field="name")
    return text


async def _stored(session: AsyncSession, row: Row, what: str) -> Row:
    name = getattr(row, "name", None) or getattr(row, "number", "")
    try:
        await session.flush()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") != "23505":
            raise
        raise Conflict(f"there is a {what} '{name}' already; choose another name", field="name") from None
    await session.refresh(row)
    return row
