"""What waits for a slow reader."""

from __future__ import annotations

import pytest
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace_web.realtime.outbox import Outbox, Overflow
from headrace_web.realtime.protocol import OUTBOX_MAX


async def test_passing_states_replace_each_other_and_events_keep_their_order():
    outbox = Outbox()
    for number in range(5):
        outbox.put_event(
            "c", Message(channel="c", type="node_update", data={"node_id": "a", "rows_out": number}, timestamp=now())
        )
        outbox.put_event(
            "c", Message(channel="c", type="execution_update", data={"n": number}, timestamp=now(), seq=number)
        )
    found = await outbox.take()
    assert [one.seq for one in found if one.seq is not None] == [0, 1, 2, 3, 4]
    assert [one.data["rows_out"] for one in found if one.type == "node_update"] == [4]
    for _ in range(OUTBOX_MAX):
        outbox.put_event("c", Message(channel="c", type="log", data={}, timestamp=now()))
    with pytest.raises(Overflow):
        outbox.put_event("c", Message(channel="c", type="log", data={}, timestamp=now()))
