"""Outputs by content: find, remember, forget. The only door to `node_outputs`; commits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.engine.reuse import Kept
from headrace.executions import queries
from headrace.executions.leases import as_json


async def find(session: AsyncSession, organization_id: UUID, keys: Sequence[str]) -> dict[str, Kept]:
    """What is stored under keys; whether the frames are still there is the caller's to see."""
    rows = await session.execute(queries.REUSABLE, {"organization_id": organization_id, "keys": list(keys)})
    return {
        row.key: Kept(
            outputs=msgspec.convert(row.outputs, dict[str, FrameRef]), rows_in=row.rows_in, rows_out=row.rows_out,
            rows_rejected=row.rows_rejected, bytes=row.bytes,
        )
        for row in rows
    }  # fmt: skip


async def remember(session: AsyncSession, key: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep outputs of an execution under their keys."""
    if rows:
        await session.execute(queries.REMEMBER, {**key, "rows": as_json(rows)})


async def forget(session: AsyncSession, organization_id: UUID, keys: Sequence[str]) -> None:
    """Drop what is gone."""
    await session.execute(queries.FORGET, {"organization_id": organization_id, "keys": list(keys)})
