"""Files of events come through the pipe as they are, and are stored where the rows say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from headrace.infra.store import Store
from headrace.sdk.triggers import Event, EventFile, Received, file_key
from headrace.triggers.sources import Held
from headrace.worker.source_runner import FromSource, Told, _without_objects
from headrace.worker.sources import Sources
from headrace.worker.wire import frame


def test_files_are_stored_before_the_event_under_its_key(host, tmp_path):
    content = bytes(range(256))
    given = Received(events=[
        Event(key="a/../b", rows=[{"at": datetime(2026, 1, 2, tzinfo=UTC)}],
              files=[EventFile(name="x.bin", media_type="x/y", content=content)]),
        Event(key="plain"),
    ], cursor={"n": 1})  # fmt: skip
    told: Any = msgspec.msgpack.decode(
        frame(Told(trigger_id="t", received=_without_objects(given)))[4:], type=FromSource
    )
    assert told.received.events[0].rows == [{"at": "2026-01-02T00:00:00Z"}]
    store, held = Store(f"file://{tmp_path}"), Held(organization_id=uuid4(), id=uuid4(), fence=1)
    made = Sources(None, host, None, store)
    for _ in range(2):
        made._keep_files(held, told.received)
    assert store.list(held.organization_id) == [file_key(str(held.id), "a/../b", 0)]
    assert store.get(held.organization_id, file_key(str(held.id), "a/../b", 0)) == content
    assert store.list(uuid4()) == []
