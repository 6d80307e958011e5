"""Calls from outside: take one, once for each delivery; list, replay. `hooks.py` and `hosted.py` judge the callers.

A refused call is recorded without its content, so that what was wrong can be seen; it starts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions import payloads
from headrace.executions.leases import as_json
from headrace.executions.pending import TooManyWaiting
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.plugins.manager import Host
from headrace.sdk.errors import Conflict, HeadraceError, NotFound, ServiceError, TransientError
from headrace.triggers import service
from headrace.triggers import statements as sql
from headrace.triggers.bodies import body_of, kept_headers, kept_query, rows_of
from headrace.triggers.keys import Start, once
from headrace.triggers.models import Trigger
from headrace.triggers.starting import Preparer, kind_of, launch, prepare, room, variables_of

BODY_MAX = 10 * 2**20
BODY_KEPT = 64 * 2**10

_INSERT = sa.text("""
INSERT INTO webhook_calls (organization_id, id, trigger_id, delivery_id, method, query, headers, body, body_bytes,
  body_hash, content_type, remote, outcome, status_code, error, replay_of, stored, conversation_id)
VALUES (:organization_id, :id, :trigger_id, :delivery_id, :method, CAST(:query AS jsonb), CAST(:headers AS jsonb),
  :body, :body_bytes, :body_hash, :content_type, :remote, :outcome, :status_code, :error, :replay_of, :stored,
  :conversation_id)
ON CONFLICT (organization_id, trigger_id, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING RETURNING id
""")
_EXPIRE = sa.text("""
UPDATE webhook_calls SET delivery_id = NULL WHERE organization_id = :organization_id AND trigger_id = :trigger_id
  AND delivery_id = :delivery_id AND created_at < clock_timestamp() - interval '24 hours'
""")
_REPEATED = sa.text("""
UPDATE webhook_calls SET duplicates = duplicates + 1 WHERE organization_id = :organization_id
  AND trigger_id = :trigger_id AND delivery_id = :delivery_id RETURNING execution_id, conversation_id
""")
_STARTED = sa.text("""
WITH fired AS (
  UPDATE triggers SET last_fired_at = clock_timestamp(), last_execution_id = :execution_id, error = NULL, failures = 0
  WHERE organization_id = :organization_id AND id = :trigger_id)
UPDATE webhook_calls SET execution_id = :execution_id, outcome = :outcome
WHERE organization_id = :organization_id AND id = :call_id
""")
_REPLAYED = sa.text("""
UPDATE webhook_calls SET execution_id = :execution_id WHERE organization_id = :organization_id AND id = :call_id
""")
_FIELDS = """
SELECT id, delivery_id, method, query, headers, body, body_bytes, content_type, remote, outcome, status_code, error,
  execution_id, replay_of, duplicates, stored, created_at, count(*) OVER () AS total FROM webhook_calls
WHERE organization_id = :organization_id AND trigger_id = :trigger_id
"""
_LIST = sa.text(_FIELDS + " ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset")
_ONE = sa.text(_FIELDS + " AND id = :call_id")
_OLD_STORED = sa.text("""
DELETE FROM webhook_calls WHERE (organization_id, id) IN (SELECT organization_id, id FROM webhook_calls
  WHERE organization_id = :organization_id AND stored AND created_at < clock_timestamp() - interval '30 days'
  LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING id
""")
_INPUT = sa.text("""
SELECT input_data, execution_details FROM executions WHERE organization_id = :organization_id AND id = :id
""")


class Refused(ServiceError):
    """The caller is not let in."""

    code = "UNAUTHENTICATED"
    status = 401


class WrongMethod(ServiceError):
    """The webhook takes another method."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Busy(TransientError):
    """As many executions as the webhook may have are open."""

    code = "RATE_LIMITED"
    status = 429


class Call(Struct, frozen=True, kw_only=True):
    """A request as it came; header names in lower case."""

    place: str
    method: str
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""
    remote: str = ""


class Accepted(Struct, frozen=True, kw_only=True):
    """What was started, and how its answer is made."""

    organization_id: UUID
    execution_id: UUID
    response: str = "immediate"
    wait_s: float = 0.0
    duplicate: bool = False
    conversation_id: UUID | None = None


async def take(
    session: AsyncSession, flows: Preparer, store: Store, row: Trigger, call: Call, given: Mapping[str, Any], *,
    delivery_id: str | None, response: str, wait_s: float, call_id: UUID | None = None, stored: bool = False,
    conversation_id: UUID | None = None,
) -> Accepted | HeadraceError:  # fmt: skip
    """Record a call and start its flow, once for each delivery id and key; or return what is to be told.

    Args:
        session: A transaction of the trigger's organization.
        flows: Prepares the flow.
        store: Where a body beyond 64 KiB goes.
        row: The trigger.
        call: The request.
        given: Rows and facts for the execution.
        delivery_id: A repeat within 24 hours starts nothing.
        response: How the caller is answered.
        wait_s: How long the caller waits at most.
        call_id: Of a call that has stored something already.
        stored: Whether it has.
        conversation_id: Of a chat.
    """
    key = {"organization_id": row.organization_id, "trigger_id": row.id, "delivery_id": delivery_id}
    answer: dict[str, Any] = {"organization_id": row.organization_id, "response": response, "wait_s": wait_s}
    answer["conversation_id"] = conversation_id
    if delivery_id is not None:
        await session.execute(_EXPIRE, key)
    values = {
        **_recorded(row, call), "id": call_id or new_id(), "stored": stored or len(call.body) > BODY_KEPT,
        "conversation_id": conversation_id,
    }  # fmt: skip
    async with session.begin_nested() as point:
        made = await session.scalar(_INSERT, {**values, **key, "outcome": "accepted", "status_code": 202})
        if made is None:
            first = (await session.execute(_REPEATED, key)).one()
            answer["conversation_id"] = first.conversation_id
            return Accepted(execution_id=first.execution_id, duplicate=True, **answer)
        if await room(session, row.organization_id, row.id, row.max_pending, 1) == 0:
            await point.rollback()
            return Busy("as many executions as this trigger may have are open; try again later", retry_after_s=5)
        try:
            start = await _launched(session, flows, row, given, origin=delivery_id or "")
        except TransientError:
            raise
        except TooManyWaiting as full:
            await point.rollback()
            return Busy(full.message, retry_after_s=5)
        except HeadraceError as error:
            await point.rollback()
            problem = error.message
        else:
            outcome = "duplicate" if start.duplicate else "accepted"
            done = {"call_id": made, "execution_id": start.execution_id, "outcome": outcome}
            await session.execute(_STARTED, {**key, **done})
            await _keep_body(store, values, call)
            return Accepted(execution_id=start.execution_id, duplicate=start.duplicate, **answer)
    failed = {**values, "delivery_id": None, "outcome": "failed", "status_code": 503, "error": problem}
    await session.execute(_INSERT, failed)
    where = {"organization_id": row.organization_id, "id": row.id}
    await session.execute(sql.FIRED, {**where, "execution_id": None, "error": problem})
    await _keep_body(store, values, call)
    return TransientError("the flow cannot be started now; try again later", detail=problem, retry_after_s=60)


async def _launched(
    session: AsyncSession, flows: Preparer, row: Trigger, given: Mapping[str, Any], *, origin: str
) -> Start:
    prepared = await flows.get(session, row.organization_id, row.flow_id, variables_of(row))
    whole = {**given, "trigger": {"id": row.id, "type": row.type, "name": row.name}}
    start = partial(
        launch, session, flows.host, prepared, trigger_type=kind_of(flows.host.registry, row), key=None,
        priority=row.priority, input_data=whole, details={"trigger_id": str(row.id)},
    )  # fmt: skip
    return await once(session, row, whole, start, origin=origin)


async def _keep_body(store: Store, values: Mapping[str, Any], call: Call) -> None:
    """Store the whole of a large body before the commit: a row without its body would lie, the reverse is waste."""
    if len(call.body) > BODY_KEPT:
        place = f"{folder_of(values['id'])}/body"
        await asyncio.to_thread(store.put, values["organization_id"], place, call.body)


def folder_of(call_id: UUID) -> str:
    """Where in the object store a call keeps what is large."""
    return f"calls/{call_id}"


def _recorded(row: Trigger, call: Call) -> dict[str, Any]:
    """What the row keeps of a call: the first 64 KiB of its body, headers without secrets."""
    return {
        "organization_id": row.organization_id, "id": new_id(), "trigger_id": row.id, "method": call.method,
        "query": as_json(kept_query(call.query)),
        "headers": as_json(kept_headers(call.headers, str(row.configuration.get("header", "")))),
        "body": call.body[:BODY_KEPT], "body_bytes": len(call.body), "body_hash": sha256(call.body).digest(),
        "content_type": call.headers.get("content-type", "")[:200], "remote": call.remote, "error": None,
        "replay_of": None, "stored": False, "conversation_id": None,
    }  # fmt: skip


async def refuse(session: AsyncSession, row: Trigger, call: Call, error: HeadraceError) -> HeadraceError:
    """Record a call that starts nothing, without its content. Returns what the caller is told."""
    values = {**_recorded(row, call), "query": "{}", "headers": "{}", "body": None, "delivery_id": None}
    said = {"outcome": "refused", "status_code": error.status, "error": error.message}
    await session.execute(_INSERT, {**values, **said})
    return Refused("the caller is not let in") if isinstance(error, Refused) else error


async def list_(
    session: AsyncSession, actor: Any, trigger_id: UUID, *, limit: int = 20, offset: int = 0
) -> tuple[Sequence[dict[str, Any]], int]:
    """Calls of a webhook, newest first."""
    row = await service.get(session, actor, trigger_id, mode="webhook")
    where = {"organization_id": row.organization_id, "trigger_id": row.id, "limit": limit, "offset": offset}
    found = [dict(one) for one in (await session.execute(_LIST, where)).mappings()]
    return found, found[0]["total"] if found else 0


async def get(session: AsyncSession, row: Trigger, call_id: UUID) -> Any:
    """A call of a trigger.

    Raises:
        NotFound: there is none.
    """
    key = {"organization_id": row.organization_id, "trigger_id": row.id, "call_id": call_id}
    call = (await session.execute(_ONE, key)).one_or_none()
    if call is None:
        raise NotFound("there is no such call", resource="call")
    return call


async def replay(
    session: AsyncSession, actor: Any, host: Host, store: Store, trigger_id: UUID, call_id: UUID
) -> UUID:  # fmt: skip
    """Start the flow again with what a call brought.

    Raises:
        NotFound: there is no such call.
        Conflict: its content was not kept.
    """
    row = await service.get(session, actor, trigger_id, mode="webhook")
    key = {"organization_id": row.organization_id, "trigger_id": row.id, "call_id": call_id}
    call = await get(session, row, call_id)
    given = await _input_of(session, store, row, call)
    made = new_id()
    values: dict[str, Any] = {
        **key, "id": made, "delivery_id": None, "method": call.method, "query": as_json(call.query),
        "headers": as_json(call.headers), "body": call.body, "body_bytes": call.body_bytes, "body_hash": None,
        "content_type": call.content_type, "remote": "", "outcome": "accepted", "status_code": 202, "error": None,
        "replay_of": call.id, "stored": False, "conversation_id": None,
    }  # fmt: skip
    await session.execute(_INSERT, values)
    prepared = await prepare(session, host, row.organization_id, row.flow_id, variables_of(row))
    execution_id = await launch(
        session, host, prepared, trigger_type=kind_of(host.registry, row), key=None, priority=row.priority,
        input_data=given,
        details={"trigger_id": str(row.id), "replay_of": str(call.id), "started_by": str(actor.user_id)},
    )  # fmt: skip
    done = {"organization_id": row.organization_id, "call_id": made, "execution_id": execution_id}
    await session.execute(_REPLAYED, done)
    return execution_id


async def body_kept(store: Store, organization_id: UUID, call: Any) -> bytes:
    """The body of a call: of the row, or of the object store when it is larger."""
    if call.stored and call.body_bytes > BODY_KEPT:
        try:
            return await asyncio.to_thread(store.get, organization_id, f"{folder_of(call.id)}/body")
        except NotFound:
            return b""
    return bytes(call.body or b"")


async def _input_of(session: AsyncSession, store: Store, row: Trigger, call: Any) -> Mapping[str, Any]:
    """The input of a call's execution; where there is none, made again from the stored request."""
    if call.execution_id is not None:
        where = {"organization_id": row.organization_id, "id": call.execution_id}
        stored = (await session.execute(_INPUT, where)).one_or_none()
        if stored is not None:
            return await payloads.whole(session, row.organization_id, call.execution_id, *stored)
    body = await body_kept(store, row.organization_id, call)
    if len(body) < call.body_bytes or call.body is None:
        raise Conflict("what this call brought was not kept; ask the caller to send it again")
    content = body_of(call.content_type, body)
    return {
        "rows": rows_of(content, call.query),
        "request": {"method": call.method, "query": call.query, "headers": call.headers},
        "trigger": {"id": row.id, "type": row.type, "name": row.name},
    }


async def forget_stored(session: AsyncSession, organization_id: UUID, store: Store, *, limit: int = 200) -> int:
    """Remove old calls that keep something in the object store, with what they keep. Returns how many.

    Objects go before the commit: if it fails, the rows are there for another try, never objects without rows.
    """
    ids = (await session.scalars(_OLD_STORED, {"organization_id": organization_id, "limit": limit})).all()
    for call_id in ids:
        await asyncio.to_thread(store.delete_under, organization_id, folder_of(call_id))
    return len(ids)
