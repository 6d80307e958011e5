"""Pages and profiles of stored frames for people: a page has at most 1 MiB; both are read in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from headrace.engine.messages import FrameRef
from headrace.executions.service import NodeOutput
from headrace.infra.frame_pages import fitted, stored_page
from headrace.infra.frame_profiles import profiled
from headrace.sdk.errors import NotFound
from headrace.sdk.types import Column

from headrace_web.deps import Context
from headrace_web.envelope import StructT

PAGE_MAX_BYTES = 2**20


async def stored_preview(
    ctx: Context, found: NodeOutput | None, port: str, *, limit: int, offset: int, profile: bool = True
) -> dict[str, Any]:
    """A page of a node's frame, with its profile when it is the first and somebody wants it.

    Raises:
        NotFound: the node has stored no rows, or none at this port.
    """
    frame = _frame(found, port)
    with _kept():
        page = await asyncio.to_thread(_read, ctx, frame, limit, offset, profile and offset == 0)
    known = found.outputs if found else {}
    return {**page, "execution_id": found and found.execution_id, "port": port, "ports": sorted(known)}


async def stored_profile(ctx: Context, found: NodeOutput | None, port: str, shape: type[StructT]) -> StructT:
    """What is in the columns of a node's frame.

    Raises:
        NotFound: the node has stored no rows, or none at this port.
    """
    frame = _frame(found, port)
    with _kept():
        return msgspec.convert(
            await asyncio.to_thread(lambda: profiled(_path(ctx, frame), frame.columns, total=frame.rows)), shape
        )


def stored_file(ctx: Context, found: NodeOutput | None, port: str) -> tuple[Path, Sequence[Column]]:
    """Where a node's frame is, and its columns.

    Raises:
        NotFound: the node has stored no rows, or none at this port.
    """
    frame = _frame(found, port)
    with _kept():
        return _path(ctx, frame), frame.columns


def _frame(found: NodeOutput | None, port: str) -> FrameRef:
    outputs = found.outputs if found else {}
    first = next((name for name in outputs if name != "error"), "")
    frame = outputs.get(port) or (outputs.get(first) if port == "out" else None)
    if frame is None:
        raise NotFound("this step has stored no rows yet; execute it first", resource="preview")
    return frame


@contextmanager
def _kept() -> Iterator[None]:
    """Rows may be removed while they are read, by retention or with a pin.

    Raises:
        NotFound: they are.
    """
    try:
        yield
    except FileNotFoundError:
        raise NotFound("the rows of this step were removed; execute it again", resource="preview") from None


def _path(ctx: Context, frame: FrameRef) -> Path:
    store, organization_id = ctx.services.store, ctx.organization_id
    key = frame.key.removeprefix(f"{organization_id}/")
    if key == frame.key or not store.exists(organization_id, key):
        raise FileNotFoundError
    return Path(store.url_of(organization_id, key))


def _read(ctx: Context, frame: FrameRef, limit: int, offset: int, profile: bool) -> dict[str, Any]:
    path = _path(ctx, frame)
    page = stored_page(path, frame.columns, offset=offset, limit=limit, total=frame.rows, profile=profile)
    return bounded(page)


def bounded(page: dict[str, Any], most: int = PAGE_MAX_BYTES) -> dict[str, Any]:
    """The page with as many of its rows as fit; a single row that does not fit has its cells cut."""
    rows = page["rows"]
    left = max(most // 2, most - len(msgspec.json.encode({**page, "rows": []})) - 1_000)
    while len(rows) > 1 and len(msgspec.json.encode(rows)) > left:
        del rows[len(rows) // 2 :]
        page["truncated"] = True
    share = left
    while rows and share and len(msgspec.json.encode(page["rows"])) > left:
        page["rows"] = [fitted(rows[0], share)]
        page["truncated"] = True
        share //= 2
    return page
