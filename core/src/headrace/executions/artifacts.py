"""What an execution has stored: the rows of its steps, port by port, and an input that was too large for its row."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef
from headrace.executions.payloads import STORED, key_of

MOST = 10_000
_OUTPUTS = sa.text("""
SELECT node_id, outputs, cache_hit, pinned, completed_at FROM node_executions
WHERE organization_id = :organization_id AND execution_id = :execution_id AND outputs <> '{}'
ORDER BY completed_at, node_id LIMIT :most
""")
_INPUT = sa.text("""
SELECT execution_details -> :stored AS input, queued_at FROM executions
WHERE organization_id = :organization_id AND id = :execution_id
""")


class Artifact(Struct, frozen=True, kw_only=True):
    """A stored object of an execution.

    Attributes:
        kind: `rows`, which are Parquet, or `input`, which is JSON.
        node_id: Whose rows; empty for the input.
        key: In the object store, below the organization.
        reused: An earlier execution, or a pin, has made it.
        part: It is some rows of the object only.
    """

    kind: str
    node_id: str
    port: str
    key: str
    rows: int | None
    bytes: int
    columns: int
    reused: bool
    part: bool
    created_at: datetime | None


async def artifacts(session: AsyncSession, organization_id: UUID, execution_id: UUID) -> list[Artifact]:
    """Everything that the execution has stored, in the order in which it was."""
    where = {"organization_id": organization_id, "execution_id": execution_id}
    found = []
    given = (await session.execute(_INPUT, {**where, "stored": STORED})).one_or_none()
    if given is not None and given.input:
        key = key_of(execution_id, given.input["sha256"])
        found.append(
            Artifact(
                kind="input", node_id="", port="", key=key, rows=None, bytes=given.input["bytes"], columns=0,
                reused=False, part=False, created_at=given.queued_at,
            )
        )  # fmt: skip
    for row in await session.execute(_OUTPUTS, {**where, "most": MOST}):
        for port, frame in msgspec.convert(row.outputs, dict[str, FrameRef]).items():
            found.append(
                Artifact(
                    kind="rows", node_id=row.node_id, port=port, key=frame.key.removeprefix(f"{organization_id}/"),
                    rows=frame.rows, bytes=frame.bytes, columns=len(frame.columns),
                    reused=row.cache_hit or row.pinned, part=frame.part, created_at=row.completed_at,
                )
            )  # fmt: skip
    return found
