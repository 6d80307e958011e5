"""Write lines of an execution's log in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import statements
from headrace.executions.leases import Lease, as_json


async def append(session: AsyncSession, lease: Lease, rows: Sequence[dict[str, Any]]) -> None:
    """Append lines `{node_id, level, message, metadata, created_at}` of an attempt."""
    await session.execute(statements.LOGS, {**lease.key, "attempt": lease.attempt, "rows": as_json(list(rows))})
