"""Rows that people give as JSON, and stored frames that they fix: frames of their own in the object store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import FrameRef
from headrace.engine.trigger_step import table_of
from headrace.infra.frame_pages import write_rows
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError
from headrace.sdk.types import FrameFacts

ROWS_MAX = 10_000
BYTES_MAX = 5 * 2**20
COPY_MAX = 256 * 2**20


def pin_rows(
    storage_url: str, organization_id: UUID, flow_id: UUID, node_id: str, rows: Mapping[str, Sequence[Any]]
) -> dict[str, FrameRef]:
    """Store rows by port. Blocks: call it in a thread.

    Raises:
        ConfigError: there are none, they are too many, or no objects.
    """
    size = len(msgspec.json.encode(rows))
    if size > BYTES_MAX:
        raise ConfigError(f"the rows take {size:,} bytes; {BYTES_MAX:,} are the most: give fewer", field="rows")
    found: dict[str, FrameRef] = {}
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        prefix = f"{organization_id}/pins/{flow_id}/{new_id()}"
        store = FrameStore(storage_url, prefix, Path(scratch))
        for port, given in rows.items():
            _check(port, given)
            columns, values = table_of(given)
            key = store.key(node_id, port, 1)
            written = write_rows(columns, values, store.path(key))
            found[port] = store.publish(key, FrameFacts(rows=len(given), bytes=written, columns=columns))
    return found


def pin_frames(
    storage_url: str, organization_id: UUID, flow_id: UUID, node_id: str, outputs: Mapping[str, FrameRef]
) -> dict[str, FrameRef]:
    """Copy stored frames, so that retention does not take them. Blocks: call it in a thread.

    Raises:
        ConfigError: they are too large, or gone.
    """
    size = sum(ref.bytes for ref in outputs.values())
    if size > COPY_MAX:
        raise ConfigError(f"the rows take {size:,} bytes; {COPY_MAX:,} are the most that can be pinned")
    found: dict[str, FrameRef] = {}
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        store = FrameStore(storage_url, f"{organization_id}/pins/{flow_id}/{new_id()}", Path(scratch))
        for port, ref in outputs.items():
            if not store.exists(ref):
                raise ConfigError("the stored rows of this step are gone; execute it again, then pin them")
            key = store.key(node_id, port, 1)
            shutil.copyfile(store.fetch(ref), store.path(key))
            copied = store.publish(key, FrameFacts(rows=ref.rows, bytes=ref.bytes, columns=ref.columns))
            found[port] = msgspec.structs.replace(ref, key=copied.key)
    return found


def drop_frames(storage_url: str, refs: Sequence[FrameRef]) -> None:
    """Remove frames that nothing names any more. Blocks: call it in a thread."""
    store = FrameStore(storage_url, "", Path())
    for ref in refs:
        store.remove(ref)


def _check(port: str, rows: Any) -> None:
    if not rows or not isinstance(rows, list) or not all(isinstance(row, dict) and row for row in rows):
        raise ConfigError(f"the rows of '{port}' are a list of objects, one at least", field="rows")
    if len(rows) > ROWS_MAX:
        raise ConfigError(f"{len(rows):,} rows are too many; {ROWS_MAX:,} are the most", field="rows")
