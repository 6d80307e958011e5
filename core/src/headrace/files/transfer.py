"""Contents in and out of the object store, a bounded piece at a time; the store is read and written in threads."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from uuid import UUID

from headrace.files.kinds import Watch
from headrace.infra.store import Store

PIECE_BYTES = 2**18


async def receive(
    store: Store, organization_id: UUID, key: str, content: AsyncIterator[bytes], watch: Watch
) -> None:  # fmt: skip
    """Store what comes; after any error nothing is stored.

    Raises:
        ConfigError, TooLarge: it is not what it says to be.
    """
    context = store.writer(organization_id, key)
    out = await asyncio.to_thread(context.__enter__)
    held = bytearray()
    try:
        async for piece in content:
            watch.see(piece)
            held += piece
            if len(held) >= PIECE_BYTES:
                await asyncio.to_thread(out.write, bytes(held))
                held.clear()
        watch.end()
        await asyncio.to_thread(out.write, bytes(held))
    except BaseException:
        if not await asyncio.shield(asyncio.to_thread(context.__exit__, *sys.exc_info())):
            raise
    else:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def pieces(store: Store, organization_id: UUID, key: str) -> AsyncIterator[bytes]:
    """What is stored."""
    context = store.open(organization_id, key)
    file = await asyncio.to_thread(context.__enter__)
    try:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
