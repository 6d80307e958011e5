"""What a canvas uses of others: who saves it may use what it did not use before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.levels import USE
from headrace.access.resolve import reached
from headrace.accounts.permissions import Actor
from headrace.sdk.errors import Denied

CALL = "flow:execute"
_CONNECTIONS = sa.table("connections", *map(sa.column, ("organization_id", "id", "name", "deleted_at")))
_FLOWS = sa.table("flows", *map(sa.column, ("organization_id", "id", "name", "deleted_at")))


async def refuse_new(
    session: AsyncSession, actor: Actor, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> None:
    """Go on only when the actor may use each connection and execute each flow that is in `after` and was not `before`.

    Raises:
        Denied: naming the first of them, and the permission.
    """
    for word, table, right in (("connection", _CONNECTIONS, USE), ("flow", _FLOWS, CALL)):
        if actor.may(right):
            continue
        new = _named(after, word)
        for text in _named(before or {}, word):
            new.pop(text, None)
        refused = await _refused(session, actor, table, word, right, new) if new else None
        if refused is not None:
            raise Denied(
                f"this uses the {word} '{refused}', for which you need '{right}'; ask an admin of the organization",
                permission=right,
                **{word: refused},
            )


async def refuse_new_in(
    session: AsyncSession, actor: Actor, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> None:
    """The same for a single config."""
    await refuse_new(session, actor, {"nodes": [{"config": before or {}}]}, {"nodes": [{"config": after}]})


async def _refused(
    session: AsyncSession, actor: Actor, table: sa.TableClause, word: str, right: str, texts: dict[str, bool]
) -> str | None:
    """The first text that names what the actor may not use; what is not there is answered in the same way.

    A name counts only when everything that has it may be used: flows of two workspaces may be called alike.
    """
    named = sa.or_(table.c.name.in_(list(texts)), sa.cast(table.c.id, sa.Text).in_(list(texts)))
    may = reached(actor, right, word, table.c.id).label("may")
    query = sa.select(table.c.id, table.c.name, may).where(
        table.c.organization_id == actor.organization_id, table.c.deleted_at.is_(None), named
    )
    found: dict[str, bool] = {}
    for row in await session.execute(query):
        for text in (row.name, str(row.id)):
            found[text] = found.get(text, True) and row.may
    for text, by_field in sorted(texts.items()):
        if not found.get(text, not by_field):
            return text
    return None


def _named(canvas: Mapping[str, Any], word: str) -> dict[str, bool]:
    """Texts in the configs of steps that may name such a thing, and whether by a field of that name, or only as ids."""
    found: dict[str, bool] = {}
    for text, by_field in _texts(canvas.get("nodes", ()), word):
        found[text] = found.get(text, False) or by_field
    return found


def _texts(value: Any, word: str, key: str = "", inside: bool = False) -> Iterator[tuple[str, bool]]:
    if isinstance(value, str):
        by_field = key in {word, f"{word}_id", f"{word}s"} or key.endswith(f"_{word}")
        if inside and value and (by_field or _is_id(value)):
            yield value, by_field
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, word, str(name), inside or name == "config")
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, word, key, inside)


def _is_id(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False
