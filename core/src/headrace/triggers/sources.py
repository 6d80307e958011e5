"""Triggers that ask a source: who holds one, what it received, where it stands. Functions take a session.

A trigger has one holder, by lease and fence. Events and cursor are stored in one transaction; a holder that lost its
lease stores nothing, and what it had received comes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections import service as connections
from headrace.connections.service import Vault
from headrace.executions.leases import as_json
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.forms import config_schema
from headrace.sdk.triggers import Received, Standing
from headrace.triggers import statements as sql
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed
from headrace.triggers.starting import room

_CLAIM = sa.text("""
WITH free AS (
  SELECT organization_id, id FROM triggers
  WHERE armed AND mode = 'source' AND wake_at <= clock_timestamp() AND type = ANY(CAST(:types AS text[]))
    AND (lease_until IS NULL OR lease_until < clock_timestamp())
  ORDER BY wake_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED)
UPDATE triggers t SET lease_owner = :owner, fence = fence + 1,
  lease_until = clock_timestamp() + make_interval(secs => :lease_s)
FROM free WHERE t.organization_id = free.organization_id AND t.id = free.id
RETURNING t.organization_id, t.id, t.fence
""")
_KEEP = sa.text("""
UPDATE triggers SET lease_until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE lease_owner = :owner AND armed AND id = ANY(CAST(:ids AS uuid[])) RETURNING id
""")
_MINE = sa.text("""
SELECT 1 FROM triggers WHERE organization_id = :organization_id AND id = :id AND fence = :fence
  AND lease_owner IS NOT NULL AND lease_until > clock_timestamp() AND armed FOR NO KEY UPDATE
""")
_STORE = sa.text("""
UPDATE triggers SET state = jsonb_set(state, '{cursor}', CAST(:cursor AS jsonb)), failures = 0, error = NULL
WHERE organization_id = :organization_id AND id = :id
""")
_RELEASE = sa.text("""
UPDATE triggers SET lease_owner = NULL, lease_until = NULL, error = coalesce(:error, error),
  failures = failures + CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE 1 END,
  wake_at = clock_timestamp() + make_interval(secs => :after_s)
WHERE organization_id = :organization_id AND id = :id AND fence = :fence AND armed
""")
_STANDS = sa.text("""
UPDATE triggers SET state = (state - 'status' - 'warning' - 'holds') || CAST(:standing AS jsonb)
WHERE organization_id = :organization_id AND id = :id AND fence = :fence
  AND state IS DISTINCT FROM (state - 'status' - 'warning' - 'holds') || CAST(:standing AS jsonb)
""")
_CLAIM_RETIRED = sa.text("""
WITH free AS (
  SELECT organization_id, id FROM triggers
  WHERE retire_at <= clock_timestamp() AND type = ANY(CAST(:types AS text[]))
    AND (lease_until IS NULL OR lease_until < clock_timestamp())
  ORDER BY retire_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED)
UPDATE triggers t SET lease_owner = :owner, fence = fence + 1,
  lease_until = clock_timestamp() + make_interval(secs => :lease_s)
FROM free WHERE t.organization_id = free.organization_id AND t.id = free.id
RETURNING t.organization_id, t.id, t.fence
""")
_RETIRED = sa.text("""
UPDATE triggers SET lease_owner = NULL, lease_until = NULL, error = :error,
  state = CASE WHEN CAST(:error AS text) IS NULL THEN state - 'cursor' - 'status' - 'warning' - 'holds' ELSE state END,
  failures = CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE failures + 1 END,
  retire_at = CASE WHEN CAST(:error AS text) IS NOT NULL AND failures + 1 < :tries
    THEN clock_timestamp() + make_interval(secs => least(:after_s * 2 ^ least(failures, 10), 3600)) END
WHERE organization_id = :organization_id AND id = :id AND fence = :fence AND retire_at IS NOT NULL
RETURNING retire_at, state ->> 'holds' AS holds
""")
LEFT = sa.text("""
SELECT organization_id, id, state ->> 'holds' AS holds, error FROM triggers
WHERE retire_at IS NULL AND NOT armed AND deleted_at IS NOT NULL AND state ? 'holds' ORDER BY deleted_at DESC LIMIT 20
""")
"""What deleted triggers left behind: it was tried in vain, and somebody has to free it by hand."""
_WAITING = sa.text("""
SELECT count(*) FROM trigger_events WHERE organization_id = :organization_id AND trigger_id = :id AND status = 'pending'
""")
_TELL = sa.text("SELECT pg_notify('headrace_triggers', '')")

RETIRE_TRIES = 20
WAITING_MAX = 1_000
"""Events that may wait to be started; a source is not asked while so many do."""


class Held(Struct, frozen=True, kw_only=True):
    """A trigger that this process asks."""

    organization_id: UUID
    id: UUID
    fence: int

    @property
    def key(self) -> dict[str, Any]:
        """Parameters that name it."""
        return {"organization_id": self.organization_id, "id": self.id, "fence": self.fence}


class Question(Struct, frozen=True, kw_only=True):
    """What a source is opened and asked with; `held_back` while as many executions are open as may be."""

    type: str
    configuration: dict[str, Any]
    secrets: dict[str, Any]
    connections: dict[str, ConnectionSpec]
    cursor: dict[str, Any]
    failures: int
    held_back: bool = False
    warning: str = ""


async def claim(
    session: AsyncSession, owner: UUID, *, types: Sequence[str], lease_s: float, limit: int = 20
) -> list[Held]:
    """Take triggers that nobody holds."""
    where = {"owner": owner, "types": list(types), "lease_s": lease_s, "limit": limit}
    rows = await session.execute(_CLAIM, where)
    return [Held(organization_id=row.organization_id, id=row.id, fence=row.fence) for row in rows]


async def keep(session: AsyncSession, owner: UUID, ids: Sequence[UUID], *, lease_s: float) -> set[UUID]:
    """Extend leases; what is missing is lost, or switched off."""
    rows = await session.execute(_KEEP, {"owner": owner, "ids": list(ids), "lease_s": lease_s})
    return {row.id for row in rows}


async def claim_retired(
    session: AsyncSession, owner: UUID, *, types: Sequence[str], lease_s: float, limit: int = 5
) -> list[Held]:
    """Take deleted triggers whose sources hold something elsewhere."""
    where = {"owner": owner, "types": list(types), "lease_s": lease_s, "limit": limit}
    rows = await session.execute(_CLAIM_RETIRED, where)
    return [Held(organization_id=row.organization_id, id=row.id, fence=row.fence) for row in rows]


async def question(session: AsyncSession, vault: Vault, registry: Registry, held: Held) -> Question:
    """What to ask.

    Raises:
        ConfigError: the type is not known here.
        Sealed, Undecryptable: the secrets do not open.
    """
    row = await session.get_one(Trigger, (held.organization_id, held.id))
    waiting = int(await session.scalar(_WAITING, held.key) or 0)
    held_back = await room(session, held.organization_id, held.id, row.max_pending, WAITING_MAX) <= waiting
    config = registry.trigger(row.type).manifest.config
    shapes = config_schema(config).get("properties", {})
    names = [name for name, shape in shapes.items() if shape.get("x-ui", {}).get("widget") == "connection"]
    wanted = [str(row.configuration[name]) for name in names if row.configuration.get(name)]
    specs = await connections.resolve(session, vault, held.organization_id, wanted) if wanted else {}
    return Question(
        type=row.type, configuration=row.configuration, secrets=await Sealed(vault, row).open(session),
        connections=specs, cursor=dict(row.state.get("cursor", {})), failures=row.failures,
        held_back=held_back, warning=str(row.state.get("warning", "")),
    )  # fmt: skip


async def store(session: AsyncSession, held: Held, received: Received) -> bool:
    """Store events and cursor. Returns False when the lease is lost: then nothing is stored."""
    if (await session.execute(_MINE, held.key)).one_or_none() is None:
        return False
    if received.events:
        events = [{"key": event.key[:500], "payload": {**event.data, "rows": event.rows}} for event in received.events]
        await session.execute(sql.ADD_EVENTS, {**held.key, "events": as_json(events)})
        await session.execute(_TELL)
    await session.execute(_STORE, {**held.key, "cursor": as_json(received.cursor)})
    return True


async def stands(session: AsyncSession, held: Held, standing: Standing) -> None:
    """Store how a source stands."""
    told = {name: value for name, value in structs.asdict(standing).items() if value}
    await session.execute(_STANDS, {**held.key, "standing": as_json(told)})


async def retired(session: AsyncSession, held: Held, *, error: str | None, after_s: float = 0.0) -> str:
    """Store what came of retiring. Returns what is left behind for good, in words; empty when nothing is."""
    where = {**held.key, "error": error, "after_s": after_s, "tries": RETIRE_TRIES}
    row = (await session.execute(_RETIRED, where)).one_or_none()
    return str(row.holds or "") if row is not None and error is not None and row.retire_at is None else ""


async def release(session: AsyncSession, held: Held, *, after_s: float = 0.0, error: str | None = None) -> None:
    """Give a trigger back, to be asked again after a while."""
    await session.execute(_RELEASE, {**held.key, "after_s": after_s, "error": error})


def same(one: Question, other: Question | None) -> bool:
    """Whether a source that was opened with the one can be asked with the other."""
    return other is not None and _opened(one) == _opened(other)


def _opened(question_: Question) -> tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, ConnectionSpec]]:
    return question_.type, question_.configuration, question_.secrets, question_.connections
