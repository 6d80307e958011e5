"""Waits that somebody outside ends: a call with a token, or a decision in the list of approvals."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import Reach
from headrace.access.statements import FLOWS
from headrace.executions import family_statements as sql
from headrace.executions import statements
from headrace.executions.leases import Lease, as_json
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from headrace.sdk.waiting import Callback

_WAITS = """
SELECT w.id, w.execution_id, w.segment_no, w.node_id, w.kind, w.title, w.message, w.form, w.assignees, w.status,
  w.payload, w.resolved_by, w.deadline_at, w.created_at, w.resolved_at, x.flow_id, f.name AS flow_name
FROM waits w JOIN executions x ON x.organization_id = w.organization_id AND x.id = w.execution_id
JOIN flows f ON f.organization_id = x.organization_id AND f.id = x.flow_id
WHERE w.organization_id = :organization_id
  AND (CAST(:execution_id AS uuid) IS NULL OR w.execution_id = CAST(:execution_id AS uuid))
  AND (CAST(:kind AS text) IS NULL OR w.kind = CAST(:kind AS text))
  AND (CAST(:status AS text) IS NULL OR w.status = CAST(:status AS text))
"""
_PAGE = " ORDER BY w.created_at, w.id LIMIT :limit OFFSET :offset"
_OPEN = sa.text(_WAITS + _PAGE)
_OPEN_WITHIN = sa.text(_WAITS + "  AND (x.flow_id IN (" + FLOWS + ")) IS TRUE" + _PAGE)
_ONE = sa.text("""
SELECT id, execution_id, segment_no, kind, token_hash, status, form, assignees FROM waits
WHERE organization_id = :organization_id AND id = :id
""")
_OF_TOKEN = sa.text("""
SELECT id FROM waits WHERE organization_id = :organization_id AND execution_id = :execution_id
  AND token_hash = :token_hash
""")
_NOTHING = "there is nothing that waits for this; check the address, or somebody was faster"
_LOCKED = sa.text("SELECT status FROM waits WHERE organization_id = :organization_id AND id = :id FOR UPDATE")
_RESOLVE = sa.text("""
UPDATE waits SET status = 'resumed', payload = CAST(:payload AS jsonb), resolved_by = :by,
  resolved_at = clock_timestamp() WHERE organization_id = :organization_id AND id = :id
""")
_NEW_TOKEN = sa.text("""
UPDATE waits SET token_hash = :token_hash WHERE organization_id = :organization_id AND id = :id AND status = 'open'
RETURNING id
""")
_ASSIGN = sa.text("""
UPDATE waits SET assignees = CAST(:assignees AS text[])
WHERE organization_id = :organization_id AND id = :id AND status = 'open' RETURNING id
""")


async def open_(session: AsyncSession, lease: Lease, node_id: str, wait: Callback) -> None:
    """Remember what a segment waits for. Its token is made when somebody with the right asks for it."""
    values = {
        **lease.key, "id": new_id(), "node_id": node_id, "kind": wait.kind, "title": wait.title,
        "message": wait.message, "form": as_json(wait.form), "assignees": list(wait.assignees),
        "deadline_s": wait.deadline_s, "token_hash": secrets.token_bytes(32),
    }  # fmt: skip
    await session.execute(sql.WAIT, values)


async def find(
    session: AsyncSession, organization_id: UUID, *, execution_id: UUID | None = None, kind: str | None = None,
    status: str | None = "open", limit: int = 100, offset: int = 0, within: Reach | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Waits of flows `within` reach (of all when None), oldest first."""
    where = {
        "organization_id": organization_id, "execution_id": execution_id, "kind": kind, "status": status,
        "limit": limit, "offset": offset, **(within or {}),
    }  # fmt: skip
    query = _OPEN if within is None else _OPEN_WITHIN
    return [dict(row) for row in (await session.execute(query, where)).mappings()]


async def get(session: AsyncSession, organization_id: UUID, wait_id: UUID) -> Any:
    """One wait.

    Raises:
        NotFound: there is no such wait.
    """
    row = (await session.execute(_ONE, {"organization_id": organization_id, "id": wait_id})).one_or_none()
    if row is None:
        raise NotFound(_NOTHING)
    return row


async def new_token(session: AsyncSession, organization_id: UUID, wait_id: UUID) -> str:
    """A secret that ends the wait once; an earlier one is void.

    Raises:
        NotFound: there is no such wait, or it is over.
    """
    token = secrets.token_urlsafe(32)
    where = {"organization_id": organization_id, "id": wait_id, "token_hash": _hash(token)}
    if await session.scalar(_NEW_TOKEN, where) is None:
        raise NotFound("this execution waits for no call, or not any more")
    return token


async def resume(
    session: AsyncSession, organization_id: UUID, wait_id: UUID, payload: Mapping[str, Any], *,
    token: str | None = None, by: UUID | None = None,
) -> UUID:  # fmt: skip
    """End a wait; its execution goes on once this is committed. A second call changes nothing.

    Args:
        session: A transaction of the organization.
        organization_id: Whose wait it is.
        wait_id: Which.
        payload: The answer, which the step gets.
        token: Needed of a caller who is nobody; None when `by` has the right.
        by: The user who decided.

    Returns:
        The execution.

    Raises:
        NotFound: no such wait, or the token is wrong.
        Conflict: it is over.
        ConfigError: the answer does not fit the form.
    """
    row = await get(session, organization_id, wait_id)
    if token is not None and not hmac.compare_digest(bytes(row.token_hash), _hash(token)):
        raise NotFound(_NOTHING)
    _check(row.form, payload)
    key = {"organization_id": organization_id, "execution_id": row.execution_id}
    await session.execute(statements.LOCK, key)
    status = await session.scalar(_LOCKED, {"organization_id": organization_id, "id": wait_id})
    if status != "open":
        raise Conflict(f"this wait is over ({status}); nothing was changed")
    segment = {**key, "segment_no": row.segment_no}
    told = {"payload": dict(payload), "by": str(by or "")}
    await session.execute(sql.RESUME, {**segment, "resume": as_json(told)})
    await session.execute(_RESOLVE, {**key, "id": wait_id, "payload": as_json(dict(payload)), "by": by})
    await session.execute(statements.RING, {**key, "segments": [row.segment_no]})
    return UUID(str(row.execution_id))


async def resume_execution(
    session: AsyncSession, organization_id: UUID, execution_id: UUID, payload: Mapping[str, Any], *, token: str
) -> UUID:
    """End the wait of an execution that the token is of; `resume` says what follows.

    Raises:
        NotFound: the execution waits for nothing with this token.
    """
    where = {"organization_id": organization_id, "execution_id": execution_id, "token_hash": _hash(token)}
    wait_id = await session.scalar(_OF_TOKEN, where)
    if wait_id is None:
        raise NotFound(_NOTHING)
    return await resume(session, organization_id, wait_id, payload, token=token)


async def assign(session: AsyncSession, organization_id: UUID, wait_id: UUID, assignees: Sequence[str]) -> None:
    """Give a decision to somebody else.

    Raises:
        NotFound: there is no such wait, or it is over.
    """
    where = {"organization_id": organization_id, "id": wait_id, "assignees": list(assignees)}
    if await session.scalar(_ASSIGN, where) is None:
        raise NotFound("there is no such approval, or it is over")


def _check(form: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    properties = form.get("properties", {})
    for name in form.get("required", ()):
        if payload.get(name) in {None, ""}:
            raise ConfigError(f"'{properties.get(name, {}).get('title') or name}' is missing; fill it in", field=name)
    kinds: dict[str, Any] = {"string": str, "number": int | float, "integer": int, "boolean": bool}
    for name, shape in properties.items():
        value, kind = payload.get(name), kinds.get(shape.get("type", ""))
        if value is None or kind is None:
            continue
        if not isinstance(value, kind) or (isinstance(value, bool) and shape["type"] != "boolean"):
            raise ConfigError(f"'{shape.get('title') or name}' must be a {shape['type']}", field=name)
        if "enum" in shape and value not in shape["enum"]:
            raise ConfigError(f"'{shape.get('title') or name}' must be one of {shape['enum']}", field=name)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
