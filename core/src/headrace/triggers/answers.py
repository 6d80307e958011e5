"""Answers of webhooks that wait: what a respond step said, or the end of the execution."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from headrace.executions.live import channel
from headrace.executions.state import TERMINAL
from headrace.infra.bus import Bus
from headrace.infra.database import Database

LOOK_S = (0.03, 0.25)
"""Between looks: in the first second, and later."""
_STATE = sa.text("""
SELECT status, response, error_message FROM executions WHERE organization_id = :organization_id AND id = :id
""")


async def wait(
    database: Database, bus: Bus, organization_id: UUID, execution_id: UUID, *, timeout_s: float, respond: bool
) -> dict[str, Any]:
    """Status, response and error of an execution once it has answered (`respond`) or ended, or after `timeout_s`."""
    began = time.monotonic()
    deadline = began + timeout_s
    key = {"organization_id": organization_id, "id": execution_id}
    async with bus.subscribe(organization_id, channel(execution_id)) as queue:
        while True:
            async with database.transaction(organization_id) as session:
                row = (await session.execute(_STATE, key)).mappings().one()
            left = deadline - time.monotonic()
            if row["status"] in TERMINAL or (respond and row["response"] is not None) or left <= 0:
                return dict(row)
            look_s = LOOK_S[time.monotonic() - began > 1]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(look_s, left)):
                    await queue.get()
