"""What the end of a segment decides for those after it: which may be claimed, and which are on a way not taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.ways import Need, undone
from headrace.executions import statements as sql
from headrace.executions.leases import append_events


async def follow(
    session: AsyncSession, key: Mapping[str, Any], children: Sequence[int], outputs: Collection[str],
    left_out: Collection[str],
) -> tuple[tuple[int, ...], int]:  # fmt: skip
    """Count a segment as done for its children, and skip those that have lost their way.

    A step is skipped as soon as that is decided, whatever else it waits for. The caller holds the lock on the
    execution.

    Args:
        session: A transaction.
        key: The execution.
        children: Segments that wait for the one that has ended.
        outputs: `node.port` that it gave.
        left_out: `node.port` that it was to give, and did not.

    Returns:
        The segments that may be claimed now, and how many are skipped.
    """
    ready: set[int] = set()
    skipped = 0
    ended = deque([(children, outputs, left_out)])
    while ended:
        children, outputs, left_out = ended.popleft()
        if not children:
            continue
        given = {**key, "children": list(children), "outputs": list(outputs)}
        freed = (await session.execute(sql.CHILDREN, given)).all()
        ready |= {row.segment_no for row in freed if row.status == "ready"}
        if not left_out or not freed:
            continue
        where = {**key, "segments": [row.segment_no for row in freed], "left_out": list(left_out)}
        for row in (await session.execute(sql.UNDECIDED, where)).all():
            needs = msgspec.convert(row.needs or [], list[Need])
            lost = undone(needs, row.gone)
            await _skip_nodes(session, key, row.segment_no, [need.node_id for need in needs if need.node_id in lost])
            if lost and len(lost) == len(needs):
                await session.execute(sql.SKIP, {**key, "segment_no": row.segment_no})
                ready.discard(row.segment_no)
                skipped += 1
                ended.append((row.children, (), row.keep))
    return tuple(sorted(ready)), skipped


async def _skip_nodes(session: AsyncSession, key: Mapping[str, Any], segment_no: int, nodes: Sequence[str]) -> None:
    if not nodes:
        return
    await session.execute(sql.SKIP_NODES, {**key, "segment_no": segment_no, "nodes": list(nodes)})
    told = {"segment_no": segment_no, "attempt": 0, "status": "skipped", "execution_id": str(key["execution_id"])}
    await append_events(session, key, [("node_update", {**told, "node_id": node_id}) for node_id in nodes])
