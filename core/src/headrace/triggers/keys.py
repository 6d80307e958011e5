"""Keys of events: what a trigger's template says is the same event starts its flow once within a window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.templates import event_of
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.text import render

KEY_CHARS = 200
DEFAULT_HOURS = 24

_SEEN = sa.text("""
INSERT INTO trigger_keys AS k (organization_id, trigger_id, key) VALUES (:organization_id, :trigger_id, :key)
ON CONFLICT (organization_id, trigger_id, key) DO UPDATE SET
  repeats = CASE WHEN k.started_at < clock_timestamp() - make_interval(secs => :window_s) THEN 0 ELSE k.repeats + 1 END,
  execution_id = CASE WHEN k.started_at < clock_timestamp() - make_interval(secs => :window_s) THEN NULL
    ELSE k.execution_id END,
  started_at = CASE WHEN k.started_at < clock_timestamp() - make_interval(secs => :window_s) THEN clock_timestamp()
    ELSE k.started_at END
RETURNING repeats, execution_id
""")
"""The first of its window has no repeats. Whoever comes at the same time waits here until the first has committed."""
_STARTED = sa.text("""
UPDATE trigger_keys SET execution_id = :execution_id
WHERE organization_id = :organization_id AND trigger_id = :trigger_id AND key = :key
""")
_REPEATED = sa.text("""
INSERT INTO trigger_duplicates (organization_id, trigger_id, key, origin, execution_id)
VALUES (:organization_id, :trigger_id, :key, :origin, :execution_id)
""")
_LIST = sa.text("""
SELECT id, key, origin, execution_id, created_at, count(*) OVER () AS total FROM trigger_duplicates
WHERE organization_id = :organization_id AND trigger_id = :trigger_id ORDER BY id DESC LIMIT :limit OFFSET :offset
""")


class Start(Struct, frozen=True):
    """What an event led to; a repeat shows the execution of the first."""

    execution_id: UUID
    duplicate: bool = False


def key_of(configuration: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """The key of an event; empty when its trigger asks for none.

    Args:
        configuration: Of the trigger.
        event: The input of the execution that it would start.

    Raises:
        DataError: the template cannot be filled in from this event.
    """
    template = configuration.get("unique_by", "")
    if not template:
        return ""
    try:
        text = render(template, event_of(event)).strip()
    except ConfigError as error:
        raise DataError(f"the key of this event cannot be told: {error.message}", field="unique_by") from None
    return text if len(text) <= KEY_CHARS else "sha256:" + sha256(text.encode()).hexdigest()


async def once(
    session: AsyncSession, row: Any, event: Mapping[str, Any], launch: Callable[[], Awaitable[UUID]], *,
    origin: str = "",
) -> Start:  # fmt: skip
    """Start through `launch`, unless the same key did within the window: then the event is listed as a duplicate.

    Args:
        session: A transaction of the trigger's organization.
        row: The trigger: organization_id, id, configuration.
        event: The input of the execution.
        launch: Accepts the execution.
        origin: What brought the event, for the list: a delivery id, an instant.

    Raises:
        DataError: the key cannot be told.
        HeadraceError: what `launch` raises; the key counts as not seen then.
    """
    key = key_of(row.configuration, event)
    if not key:
        return Start(await launch())
    where: dict[str, Any] = {"organization_id": row.organization_id, "trigger_id": row.id, "key": key}
    window_s = 3600 * float(row.configuration.get("unique_hours", DEFAULT_HOURS))
    async with session.begin_nested():
        first = (await session.execute(_SEEN, {**where, "window_s": window_s})).one()
        if first.repeats:
            told = {"origin": origin[:KEY_CHARS], "execution_id": first.execution_id}
            await session.execute(_REPEATED, {**where, **told})
            return Start(first.execution_id, duplicate=True)
        made = await launch()
        await session.execute(_STARTED, {**where, "execution_id": made})
        return Start(made)


async def duplicates(
    session: AsyncSession, row: Any, *, limit: int = 20, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Events of a trigger that came again, newest first."""
    where = {"organization_id": row.organization_id, "trigger_id": row.id, "limit": limit, "offset": offset}
    found = [dict(one) for one in (await session.execute(_LIST, where)).mappings()]
    return found, found[0]["total"] if found else 0
