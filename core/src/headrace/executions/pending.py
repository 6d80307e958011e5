"""How many executions of a flow may wait to begin (`max_pending`), and what becomes of one more.

`when_pending` says it: `refuse` turns it away; `skip` lets the newest that waits stand for it; `coalesce` does so too,
and hands that one the newer input. Retries, backfills, and what a step of another execution starts do not count: they
have bounds of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import family_statements as families
from headrace.executions import payloads
from headrace.executions.admission import Policy
from headrace.executions.leases import append_events, as_json
from headrace.sdk.errors import ServiceError

_WHICH = """
FROM executions WHERE organization_id = :organization_id AND flow_id = :flow_id AND status = 'queued'
  AND closing IS NULL AND mode = 'flow' AND parent_execution_id IS NULL AND trigger_type <> 'backfill'
"""
_WAITING = sa.text("SELECT count(*)" + _WHICH)
_NEWEST = sa.text("SELECT id" + _WHICH + "ORDER BY queued_at DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED")
_HAND_OVER = sa.text("""
UPDATE executions SET params = CAST(:params AS jsonb), input_data = CAST(:input_data AS jsonb),
  execution_details = (execution_details - 'input') || CAST(:facts AS jsonb),
  data_interval_end = coalesce(:interval_end, data_interval_end)
WHERE organization_id = :organization_id AND id = :execution_id
""")
JOINED = "joined"
"""The event of an execution that stands for one more start."""


class TooManyWaiting(ServiceError):
    """As many executions of the flow wait as its settings allow. `details` carries waiting, max."""

    code = "TOO_MANY_WAITING"
    status = 429


async def stand_in(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, policy: Policy, *, trigger_type: str,
    params: Mapping[str, Any], input_data: Mapping[str, Any], interval_end: datetime | None,
) -> UUID | None:  # fmt: skip
    """The waiting execution that stands for one more; None if that one may wait itself.

    Exact: who else starts the flow waits for this transaction's end.

    Raises:
        TooManyWaiting: the flow's settings refuse one more.
        ConfigError: the newer input is too large.
    """
    if policy.max_pending is None:
        return None
    flow = {"organization_id": organization_id, "flow_id": flow_id}
    await session.execute(families.LOCK_KEYS, {"keys": [f"{organization_id}:pending:{flow_id}"]})
    waiting = int(await session.scalar(_WAITING, flow) or 0)
    if waiting < policy.max_pending:
        return None
    if policy.when_pending == "refuse":
        many = "an execution of this flow waits" if waiting == 1 else f"{waiting:,} executions of this flow wait"
        raise TooManyWaiting(
            f"{many} to begin, and its settings allow no more (max_pending {policy.max_pending:,}); try again later",
            waiting=waiting, max=policy.max_pending,
        )  # fmt: skip
    newest = await session.scalar(_NEWEST, flow)
    if newest is None:  # it begins at this moment
        return None
    key = {"organization_id": organization_id, "execution_id": UUID(str(newest))}
    if policy.when_pending == "coalesce":
        kept, facts = await payloads.keep(session, organization_id, key["execution_id"], input_data)
        given = {"params": as_json(params), "input_data": as_json(kept), "facts": as_json(facts)}
        await session.execute(_HAND_OVER, {**key, **given, "interval_end": interval_end})
    told = {"trigger_type": trigger_type, "took_input": policy.when_pending == "coalesce"}
    await append_events(session, key, [(JOINED, told)])
    return key["execution_id"]
