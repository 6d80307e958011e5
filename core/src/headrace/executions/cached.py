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


async def remember(session: AsyncSession, organization_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep outputs of executions under their keys."""
    once: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = once.get(row["key"], {})
        given = {name: value for name, value in row.items() if value is not None}
        once[row["key"]] = {**known, **given, "outputs": {**known.get("outputs", {}), **row["outputs"]}}
    if once:
        told = {"organization_id": organization_id, "rows": as_json(list(once.values()))}
        await session.execute(queries.REMEMBER, told)


async def forget(session: AsyncSession, organization_id: UUID, keys: Sequence[str]) -> None:
    """Drop what is gone."""
    await session.execute(queries.FORGET, {"organization_id": organization_id, "keys": list(keys)})
