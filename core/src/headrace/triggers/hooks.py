"""Webhooks: who calls, what the call brings, and the execution that it starts. Answers are `answers.py`."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.service import Vault
from headrace.infra.clock import now
from headrace.infra.database import Database, require_here, set_tenant
from headrace.infra.store import Store
from headrace.sdk.config import parse_config
from headrace.sdk.errors import DataError, HeadraceError, NotFound
from headrace.triggers import addresses
from headrace.triggers.bodies import body_of, kept_headers, kept_query, rows_of
from headrace.triggers.callers import lacking, refusal
from headrace.triggers.calls import Accepted, Call, Refused, WrongMethod, refuse, take
from headrace.triggers.keys import key_of
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed
from headrace.triggers.starting import Preparer

UNKNOWN = "there is no webhook at this address"


async def accept(database: Database, flows: Preparer, vault: Vault, store: Store, call: Call) -> Accepted:
    """Start the flow of a webhook. When this returns, the execution is committed.

    Raises:
        NotFound: no webhook is there, or it does not listen.
        Refused, WrongMethod, DataError, Busy: the call is not let in, malformed, or comes too soon.
        TransientError: the flow cannot be started now; the same delivery may come again.
    """
    outcome: Accepted | HeadraceError | None = await _at(database, flows, vault, store, call)
    if outcome is None:  # its organization may have a database of its own
        for other in (await database.everywhere())[1:]:
            outcome = outcome or await _at(other, flows, vault, store, call)
    if outcome is None:
        raise NotFound(UNKNOWN)
    if isinstance(outcome, HeadraceError):
        raise outcome
    return outcome


async def _at(
    database: Database, flows: Preparer, vault: Vault, store: Store, call: Call
) -> Accepted | HeadraceError | None:
    """The same in one database; None when nothing is there."""
    async with database.transaction() as session:
        found = await addresses.find(session, call.place, mode="webhook")
        if found is None:
            return None
        if session.info["organization_id"] != found[0]:
            await set_tenant(session, found[0])
        require_here(session)
        row = await session.get(Trigger, found)
        if row is None or not row.armed:
            raise NotFound(UNKNOWN)
        config: Any = parse_config(flows.host.registry.trigger(row.type).manifest.config, row.configuration)
        return await _judged(session, flows, vault, store, row, config, call)


async def _judged(
    session: AsyncSession, flows: Preparer, vault: Vault, store: Store, row: Trigger, config: Any, call: Call
) -> Accepted | HeadraceError:
    """Accept, or return what is to be told; a refusal is recorded in the same transaction."""
    if call.method != config.method:
        said = f"this webhook takes {config.method}, not {call.method}"
        return await refuse(session, row, call, WrongMethod(said))
    secrets = {} if config.authentication == "none" else await Sealed(vault, row).open(session)
    why = refusal(config, secrets, call.headers, call.body, call.remote, now())
    if why:
        return await refuse(session, row, call, Refused(why))
    missing = lacking(config.headers, call.headers)
    if missing:
        return await refuse(session, row, call, DataError(missing))
    try:
        content = body_of(call.headers.get("content-type", ""), call.body)
        query = kept_query(call.query)
        request = {
            "method": call.method, "query": query, "headers": kept_headers(call.headers, config.header),
            "remote": call.remote,
        }  # fmt: skip
        given = {"rows": rows_of(content, query), "request": request}
        if config.event_type:
            given["event_type"] = config.event_type
        key_of(row.configuration, given)
    except DataError as error:
        return await refuse(session, row, call, error)
    return await take(
        session, flows, store, row, call, given, delivery_id=delivery_id(config, call), response=config.response,
        wait_s=config.wait_seconds,
    )  # fmt: skip


def delivery_id(config: Any, call: Call) -> str | None:
    """The id of a delivery, from the first header that has one."""
    for name in ("webhook-id", config.delivery_header.lower(), "idempotency-key"):
        if name and call.headers.get(name):
            text = call.headers[name]
            return text if len(text) <= 200 else "sha256:" + sha256(text.encode()).hexdigest()
    return None
