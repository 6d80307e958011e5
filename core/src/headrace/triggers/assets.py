"""Triggers on assets: which they watch, which have been written enough, and the execution that this starts."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions.leases import as_json
from headrace.executions.pending import TooManyWaiting
from headrace.flows import service as flows
from headrace.flows.canvas import graph_of
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, HeadraceError, TransientError
from headrace.triggers import keys
from headrace.triggers import statements as sql
from headrace.triggers.models import Trigger
from headrace.triggers.starting import Preparer, kind_of, launch, room

CHAIN_MAX = 20
PATIENCE = 10
"""So many times the quiet span a trigger waits at most while its assets are written again and again."""

_FROM = """
FROM triggers t
JOIN trigger_assets w ON w.organization_id = t.organization_id AND w.trigger_id = t.id
JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
LEFT JOIN LATERAL (SELECT min(u.created_at) AS since FROM asset_updates u WHERE u.organization_id = a.organization_id
  AND u.asset_id = a.id AND u.number > w.seen) p ON a.updates > w.seen
WHERE t.armed AND t.mode = 'asset'
"""
_READY = """
GROUP BY t.organization_id, t.id
HAVING CASE WHEN t.configuration ->> 'when' = 'all' THEN bool_and(a.updates > w.seen)
    ELSE bool_or(a.updates > w.seen) END
  AND (max(a.last_updated_at) FILTER (WHERE a.updates > w.seen) <= clock_timestamp()
      - make_interval(secs => coalesce((t.configuration ->> 'quiet_seconds')::double precision, 5))
    OR min(p.since) <= clock_timestamp()
      - make_interval(secs => :patience * coalesce((t.configuration ->> 'quiet_seconds')::double precision, 5)))
"""
READY = sa.text("SELECT t.organization_id, t.id" + _FROM + _READY + "LIMIT 200")
_STILL_READY = sa.text("SELECT 1" + _FROM + "AND t.organization_id = :organization_id AND t.id = :id" + _READY)
_WRITTEN = sa.text("""
SELECT a.id, c.name AS connection, a.object, a.updates, a.updates - w.seen AS times, a.rows,
  a.last_execution_id AS execution_id, a.last_updated_at AS updated_at,
  (SELECT coalesce(max(u.chain), 0) FROM asset_updates u WHERE u.organization_id = a.organization_id
    AND u.asset_id = a.id AND u.number > w.seen) AS chain
FROM trigger_assets w JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
JOIN connections c ON c.organization_id = a.organization_id AND c.id = a.connection_id
WHERE w.organization_id = :organization_id AND w.trigger_id = :id AND a.updates > w.seen
ORDER BY c.name, a.object
""")
_SEEN = sa.text("""
UPDATE trigger_assets w SET seen = r.updates FROM jsonb_to_recordset(CAST(:seen AS jsonb)) AS r(id uuid, updates bigint)
WHERE w.organization_id = :organization_id AND w.trigger_id = :id AND w.asset_id = r.id
""")
_CONNECTION = sa.text("""
SELECT id FROM connections WHERE organization_id = :organization_id AND deleted_at IS NULL
  AND (id::text = :connection OR name = :connection) LIMIT 1
""")
_ASSET = sa.text("""
INSERT INTO assets AS a (organization_id, id, connection_id, object)
VALUES (:organization_id, :id, :connection_id, :object)
ON CONFLICT (organization_id, connection_id, object) DO UPDATE SET object = excluded.object RETURNING a.id, a.updates
""")
_FORGET = sa.text("""
DELETE FROM trigger_assets WHERE organization_id = :organization_id AND trigger_id = :trigger_id
  AND asset_id <> ALL(CAST(:assets AS uuid[]))
""")
_WATCH = sa.text("""
INSERT INTO trigger_assets (organization_id, trigger_id, asset_id, seen)
VALUES (:organization_id, :trigger_id, :asset_id, :seen) ON CONFLICT DO NOTHING
""")


async def check(session: AsyncSession, row: Trigger, config: Any, actor: Any) -> None:
    """Refuse assets of no connection, and those that the flow writes itself.

    Raises:
        ConfigError: naming the asset.
    """
    graph = graph_of((await flows.get_data(session, actor, row.flow_id)).definition)
    own = {
        (await _connection(session, row, node.config["connection"]), node.config["stream"])
        for node in graph.nodes
        if node.type.endswith(".write") and isinstance(node.config.get("connection"), str) and "stream" in node.config
    }
    for one in config.assets:
        connection_id = await _connection(session, row, one.connection)
        if connection_id is None:
            raise ConfigError(f"there is no connection '{one.connection}'; choose one of the list", field="assets")
        if (connection_id, one.object) in own:
            raise ConfigError(
                f"this flow writes '{one.object}' itself and would start itself without end; watch another asset",
                field="assets",
            )


async def watch(session: AsyncSession, row: Trigger, config: Any) -> None:
    """Watch what the configuration names, from now on; what was watched before goes on where it stands."""
    found: list[UUID] = []
    for one in config.assets:
        connection_id = await _connection(session, row, one.connection)
        where = {"organization_id": row.organization_id, "connection_id": connection_id, "object": one.object}
        asset = (await session.execute(_ASSET, {**where, "id": new_id()})).one()
        link = {"organization_id": row.organization_id, "trigger_id": row.id, "asset_id": asset.id}
        await session.execute(_WATCH, {**link, "seen": asset.updates})
        found.append(asset.id)
    await session.execute(
        _FORGET, {"organization_id": row.organization_id, "trigger_id": row.id, "assets": found}
    )  # fmt: skip


async def _connection(session: AsyncSession, row: Trigger, name: str) -> UUID | None:
    found = await session.scalar(_CONNECTION, {"organization_id": row.organization_id, "connection": name})
    return UUID(str(found)) if found else None


async def fire(session: AsyncSession, known: Preparer, key: dict[str, Any]) -> int:
    """Start the flow of one trigger with what was written since its last start. Returns how many were started.

    The trigger's lock makes it one start for any number of schedulers; what it has seen is stored with the start.
    """
    row = (await session.execute(sql.TAKE, key)).one_or_none()
    if row is None or await session.scalar(_STILL_READY, {**key, "patience": PATIENCE}) is None:
        return 0
    if await room(session, row.organization_id, row.id, row.max_pending, 1) == 0:
        return 0
    written = [dict(one) for one in (await session.execute(_WRITTEN, key)).mappings()]
    seen = [{"id": one["id"], "updates": one["updates"]} for one in written]
    chain = max((one.pop("chain") for one in written), default=0) + 1
    rows = [{name: one[name] for name in one if name not in {"id", "updates"}} for one in written]
    given = {"rows": rows, "trigger": {"id": row.id, "type": row.type, "name": row.name}}
    execution_id, problem, started = None, None, 0
    try:
        if chain > CHAIN_MAX:
            raise ConfigError(f"more than {CHAIN_MAX} flows started each other; break the ring of triggers")
        prepared = await known.get(session, row.organization_id, row.flow_id, row.variables)
        start = partial(
            launch, session, known.host, prepared, trigger_type=kind_of(known.host.registry, row), key=None,
            priority=row.priority, input_data=given, details={"trigger_id": str(row.id), "chain": chain},
        )  # fmt: skip
        made = await keys.once(session, row, given, start)
        execution_id, started = made.execution_id, int(not made.duplicate)
    except TransientError:
        raise
    except TooManyWaiting:
        return 0
    except HeadraceError as error:
        problem = error.message
    await session.execute(_SEEN, {**key, "seen": as_json(seen)})
    await session.execute(sql.FIRED, {**key, "execution_id": execution_id, "error": problem})
    return started
