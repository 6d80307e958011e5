"""Calls of webhooks: accept one, exactly once for each delivery; list and replay. Answers are `answers.py`.

A refused call is recorded without its content, so that what was wrong can be seen; it starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.service import Vault
from headrace.executions.leases import as_json
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.plugins.manager import Host
from headrace.sdk.config import parse_config
from headrace.sdk.errors import Conflict, DataError, HeadraceError, NotFound, ServiceError, TransientError
from headrace.triggers import addresses, service
from headrace.triggers import statements as sql
from headrace.triggers.bodies import body_of, kept_headers, kept_query, rows_of
from headrace.triggers.callers import refusal
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed
from headrace.triggers.starting import KINDS, launch, prepare, room

BODY_MAX = 10 * 2**20
BODY_KEPT = 64 * 2**10
UNKNOWN = "there is no webhook at this address"

_INSERT = sa.text("""
INSERT INTO webhook_calls (organization_id, id, trigger_id, delivery_id, method, query, headers, body, body_bytes,
  body_hash, content_type, remote, outcome, status_code, error, replay_of)
VALUES (:organization_id, :id, :trigger_id, :delivery_id, :method, CAST(:query AS jsonb), CAST(:headers AS jsonb),
  :body, :body_bytes, :body_hash, :content_type, :remote, :outcome, :status_code, :error, :replay_of)
ON CONFLICT (organization_id, trigger_id, delivery_id) WHERE delivery_id IS NOT NULL DO NOTHING RETURNING id
""")
_EXPIRE = sa.text("""
UPDATE webhook_calls SET delivery_id = NULL WHERE organization_id = :organization_id AND trigger_id = :trigger_id
  AND delivery_id = :delivery_id AND created_at < clock_timestamp() - interval '24 hours'
""")
_REPEATED = sa.text("""
UPDATE webhook_calls SET duplicates = duplicates + 1 WHERE organization_id = :organization_id
  AND trigger_id = :trigger_id AND delivery_id = :delivery_id RETURNING execution_id
""")
_STARTED = sa.text("""
UPDATE webhook_calls SET execution_id = :execution_id WHERE organization_id = :organization_id AND id = :call_id
""")
_FIELDS = """
SELECT id, delivery_id, method, query, headers, body, body_bytes, content_type, remote, outcome, status_code, error,
  execution_id, replay_of, duplicates, created_at, count(*) OVER () AS total FROM webhook_calls
WHERE organization_id = :organization_id AND trigger_id = :trigger_id
"""
_LIST = sa.text(_FIELDS + " ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset")
_ONE = sa.text(_FIELDS + " AND id = :call_id")
_INPUT = sa.text("SELECT input_data FROM executions WHERE organization_id = :organization_id AND id = :id")


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


async def accept(database: Database, host: Host, vault: Vault, call: Call) -> Accepted:
    """Start the flow of a webhook. When this returns, the execution is committed.

    Raises:
        NotFound: no webhook is there, or it does not listen.
        Refused, WrongMethod, DataError, Busy: the call is not let in, malformed, or comes too soon.
        TransientError: the flow cannot be started now; the same delivery may come again.
    """
    async with database.transaction() as session:
        found = await addresses.find(session, call.place)
    if found is None:
        raise NotFound(UNKNOWN)
    organization_id, trigger_id = found
    async with database.transaction(organization_id) as session:
        row = await session.get(Trigger, (organization_id, trigger_id))
        if row is None or not row.armed or row.mode != "webhook":
            raise NotFound(UNKNOWN)
        config: Any = parse_config(host.registry.trigger(row.type).manifest.config, row.configuration)
        outcome = await _judged(session, host, vault, row, config, call)
    if isinstance(outcome, HeadraceError):
        raise outcome
    return outcome


async def _judged(
    session: AsyncSession, host: Host, vault: Vault, row: Trigger, config: Any, call: Call
) -> Accepted | HeadraceError:
    """Accept, or return what is to be told; a refusal is recorded in the same transaction."""
    if call.method != config.method:
        said = f"this webhook takes {config.method}, not {call.method}"
        return await _refuse(session, row, call, WrongMethod(said))
    secrets = await Sealed(vault, row).open(session)
    why = refusal(config, secrets, call.headers, call.body, call.remote, now())
    if why:
        return await _refuse(session, row, call, Refused(why))
    try:
        content = body_of(call.headers.get("content-type", ""), call.body)
    except DataError as error:
        return await _refuse(session, row, call, error)
    return await _once(session, host, row, config, call, content)


async def _once(
    session: AsyncSession, host: Host, row: Trigger, config: Any, call: Call, content: Any
) -> Accepted | HeadraceError:
    key = {"organization_id": row.organization_id, "trigger_id": row.id, "delivery_id": delivery_id(config, call)}
    answer = {"organization_id": row.organization_id, "response": config.response, "wait_s": config.wait_seconds}
    if key["delivery_id"] is not None:
        await session.execute(_EXPIRE, key)
    values = _recorded(row, call)
    async with session.begin_nested() as point:
        call_id = await session.scalar(_INSERT, {**values, **key, "outcome": "accepted", "status_code": 202})
        if call_id is None:
            first = (await session.execute(_REPEATED, key)).one()
            return Accepted(execution_id=first.execution_id, duplicate=True, **answer)
        if await room(session, row.organization_id, row.id, row.max_pending, 1) == 0:
            await point.rollback()
            return Busy("as many executions as this webhook may have are open; try again later", retry_after_s=5)
        try:
            execution_id = await _launched(session, host, row, call, content)
        except TransientError:
            raise
        except HeadraceError as error:
            await point.rollback()
            problem = error.message
        else:
            done = {"organization_id": row.organization_id, "call_id": call_id, "execution_id": execution_id}
            await session.execute(_STARTED, done)
            where = {"organization_id": row.organization_id, "id": row.id}
            await session.execute(sql.FIRED, {**where, "execution_id": execution_id, "error": None})
            return Accepted(execution_id=execution_id, **answer)
    failed = {**values, "delivery_id": None, "outcome": "failed", "status_code": 503, "error": problem}
    await session.execute(_INSERT, {**failed, "id": new_id()})
    await session.execute(
        sql.FIRED, {"organization_id": row.organization_id, "id": row.id, "execution_id": None, "error": problem}
    )
    return TransientError("the flow cannot be started now; try again later", detail=problem, retry_after_s=60)


async def _launched(session: AsyncSession, host: Host, row: Trigger, call: Call, content: Any) -> UUID:
    query = kept_query(call.query)
    prepared = await prepare(session, host, row.organization_id, row.flow_id, row.variables)
    request = {
        "method": call.method, "query": query, "headers": kept_headers(call.headers, _secret_header(row)),
        "remote": call.remote,
    }  # fmt: skip
    return await launch(
        session, host, prepared, trigger_type=KINDS[row.mode], key=None, priority=row.priority,
        input_data={"rows": rows_of(content, query), "request": request,
                    "trigger": {"id": row.id, "type": row.type, "name": row.name}},
        details={"trigger_id": str(row.id)},
    )  # fmt: skip


def delivery_id(config: Any, call: Call) -> str | None:
    """The id of a delivery, from the first header that has one."""
    for name in ("webhook-id", config.delivery_header.lower(), "idempotency-key"):
        if name and call.headers.get(name):
            text = call.headers[name]
            return text if len(text) <= 200 else "sha256:" + sha256(text.encode()).hexdigest()
    return None


def _secret_header(row: Trigger) -> str:
    return str(row.configuration.get("header", ""))


def _recorded(row: Trigger, call: Call) -> dict[str, Any]:
    """What is kept of a call: the first 64 KiB of its body, headers without secrets."""
    return {
        "organization_id": row.organization_id, "id": new_id(), "trigger_id": row.id, "method": call.method,
        "query": as_json(kept_query(call.query)), "headers": as_json(kept_headers(call.headers, _secret_header(row))),
        "body": call.body[:BODY_KEPT], "body_bytes": len(call.body), "body_hash": sha256(call.body).digest(),
        "content_type": call.headers.get("content-type", "")[:200], "remote": call.remote, "error": None,
        "replay_of": None,
    }  # fmt: skip


async def _refuse(session: AsyncSession, row: Trigger, call: Call, error: HeadraceError) -> HeadraceError:
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


async def replay(session: AsyncSession, actor: Any, host: Host, trigger_id: UUID, call_id: UUID) -> UUID:
    """Start the flow again with what a call brought.

    Raises:
        NotFound: there is no such call.
        Conflict: its content was not kept.
    """
    row = await service.get(session, actor, trigger_id, mode="webhook")
    key = {"organization_id": row.organization_id, "trigger_id": row.id, "call_id": call_id}
    call = (await session.execute(_ONE, key)).one_or_none()
    if call is None:
        raise NotFound("there is no such call", resource="call")
    given = await _input_of(session, row, call)
    made = new_id()
    values: dict[str, Any] = {
        **key, "id": made, "delivery_id": None, "method": call.method, "query": as_json(call.query),
        "headers": as_json(call.headers), "body": call.body, "body_bytes": call.body_bytes, "body_hash": None,
        "content_type": call.content_type, "remote": "", "outcome": "accepted", "status_code": 202, "error": None,
        "replay_of": call.id,
    }  # fmt: skip
    await session.execute(_INSERT, values)
    prepared = await prepare(session, host, row.organization_id, row.flow_id, row.variables)
    execution_id = await launch(
        session, host, prepared, trigger_type=KINDS[row.mode], key=None, priority=row.priority, input_data=given,
        details={"trigger_id": str(row.id), "replay_of": str(call.id), "started_by": str(actor.user_id)},
    )  # fmt: skip
    done = {"organization_id": row.organization_id, "call_id": made, "execution_id": execution_id}
    await session.execute(_STARTED, done)
    return execution_id


async def _input_of(session: AsyncSession, row: Trigger, call: Any) -> Mapping[str, Any]:
    """The input of a call's execution; where there is none, made again from the stored request."""
    if call.execution_id is not None:
        stored = await session.scalar(_INPUT, {"organization_id": row.organization_id, "id": call.execution_id})
        if stored is not None:
            return dict(msgspec.convert(stored, dict[str, Any]))
    if call.body is None or len(call.body) < call.body_bytes:
        raise Conflict("what this call brought was not kept; ask the caller to send it again")
    content = body_of(call.content_type, bytes(call.body))
    return {
        "rows": rows_of(content, call.query),
        "request": {"method": call.method, "query": call.query, "headers": call.headers},
        "trigger": {"id": row.id, "type": row.type, "name": row.name},
    }
