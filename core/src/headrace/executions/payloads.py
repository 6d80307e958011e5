"""What executions are started with: small inputs in the row, larger ones in the object store beside their frames.

`execution_details.input` then has their size and hash; the key follows from the execution and the hash, so nobody can
name another, and a newer input of an execution that waits never takes the place of one that a row still has.
Without an object store (`Database.from_url(objects_url=...)`) every input stays in its row.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.store import Store
from headrace.sdk.errors import ConfigError, NotFound, TransientError

INLINE_MAX = 64 * 2**10
INPUT_MAX = 16 * 2**20
STORED = "input"
"""Name of the fact, among the details of an execution, that its input is stored."""


async def keep(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, given: Mapping[str, Any]
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Store an input that is large. Returns what the row has of it, and details of the execution.

    Raises:
        ConfigError: it is too large for an execution.
        TransientError: the object store is full.
    """
    content = msgspec.json.encode(given)
    if len(content) > INPUT_MAX:
        raise ConfigError(
            f"the input takes {len(content):,} bytes and {INPUT_MAX:,} are the most; hand over less, or a file that "
            "the flow reads", field="input_data",
        )  # fmt: skip
    url = session.info.get("objects_url", "")
    if len(content) <= INLINE_MAX or not url:
        return given, {}
    digest = hashlib.sha256(content).hexdigest()
    await asyncio.to_thread(Store(url).put, organization_id, key_of(execution_id, digest), content)
    return {}, {STORED: {"bytes": len(content), "sha256": digest}}


async def whole(
    session: AsyncSession,
    organization_id: UUID,
    execution_id: UUID,
    kept: Mapping[str, Any],
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """The input of an execution, from its row and its details.

    Raises:
        NotFound: it was stored and is gone.
    """
    if STORED not in details:
        return dict(kept)
    url, digest = session.info.get("objects_url", ""), details[STORED]["sha256"]
    return await asyncio.to_thread(load, url, organization_id, execution_id, digest)


def load(objects_url: str, organization_id: UUID, execution_id: UUID, digest: str) -> dict[str, Any]:
    """A stored input, by its hash. Blocks: call it in a thread.

    Raises:
        NotFound: it is gone.
        TransientError: the store does not answer.
    """
    if not objects_url:
        raise NotFound("the input of this execution is in the object store, which is not configured here")
    try:
        content = Store(objects_url).get(organization_id, key_of(execution_id, digest))
    except NotFound:
        raise NotFound("the input of this execution is not stored any more; start the flow with a new one") from None
    except OSError as error:
        raise TransientError("the object store does not answer; try again in a moment", detail=str(error)) from None
    return msgspec.json.decode(content, type=dict[str, Any])


def key_of(execution_id: UUID, digest: str) -> str:
    """Key of a stored input."""
    return f"executions/{execution_id}/input-{digest[:32]}.json"
