"""Answers of webhooks that wait: what a respond step said, or the end of the execution."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import service
from headrace.executions.live import channel, until_end
from headrace.executions.state import TERMINAL
from headrace.infra.bus import Bus
from headrace.infra.database import Database

LOOK_S = 0.25
"""Between looks when the bus says nothing: it may be away."""
_STATE = sa.text("""
SELECT status, response, error_message, flow_id, output_data FROM executions
WHERE organization_id = :organization_id AND id = :id
""")


async def wait(
    database: Database, bus: Bus, organization_id: UUID, execution_id: UUID, *, timeout_s: float, respond: bool
) -> dict[str, Any]:
    """How an execution stands once it has answered (`respond`) or ended, or after `timeout_s`.

    When it has completed without an answer, `last` is what its last step has stored.
    """
    deadline = time.monotonic() + timeout_s
    key = {"organization_id": organization_id, "id": execution_id}
    async with bus.subscribe(organization_id, channel(execution_id), whole=True) as queue:
        while True:  # what was said before is in the queue: there is nothing to look at yet
            await until_end(queue, max(0.0, min(LOOK_S, deadline - time.monotonic())), or_answer=respond)
            async with database.transaction(organization_id) as session:
                row = dict((await session.execute(_STATE, key)).mappings().one())
                if row["status"] == "completed" and not (respond and row["response"]):
                    row["last"] = await last(session, organization_id, execution_id, row)
            answered = respond and row["response"] is not None
            if row["status"] in TERMINAL or answered or time.monotonic() >= deadline:
                return row


async def last(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, state: Mapping[str, Any]
) -> tuple[service.NodeOutput | None, str]:
    """What the last step of a completed execution has stored, and at which port.

    Args:
        session: Of the organization.
        organization_id: Whose it is.
        execution_id: The execution.
        state: Its `flow_id` and `output_data`.
    """
    names = [name for name in state["output_data"] or {} if not name.endswith(".error")]
    node_id, _, port = (names[-1] if names else "").rpartition(".")
    if not node_id:
        return None, port
    found = await service.latest_output(session, organization_id, state["flow_id"], node_id, execution_id=execution_id)
    return found, port
