"""Forms: who may see one, the ticket that makes each page count once, and the execution that it starts."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets as random
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct, json

from headrace.connections.service import Vault
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.plugins.manager import Host
from headrace.sdk.config import parse_config
from headrace.sdk.errors import HeadraceError, NotFound, ServiceError
from headrace.triggers import addresses, calls
from headrace.triggers.callers import basic, same
from headrace.triggers.form_fields import Upload, answers, schema_of
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed
from headrace.triggers.starting import Preparer

UNKNOWN = "there is no form at this address"
TICKET_S = 12 * 3600
"""How long a page may stay open; a repeat within 24 hours is known by its ticket."""


class NotLetIn(ServiceError):
    """The visitor did not prove who it is."""

    code = "UNAUTHENTICATED"
    status = 401


class Form(Struct, frozen=True, kw_only=True):
    """A form that listens, for a visitor who may see it."""

    organization_id: UUID
    trigger_id: UUID
    config: Any
    schema: dict[str, Any]


class Invalid(Struct, frozen=True):
    """What is wrong, by field; the empty name is about the page as a whole."""

    problems: dict[str, str]


async def find(
    database: Database, host: Host, vault: Vault, place: str, headers: Mapping[str, str], token: str
) -> Form:  # fmt: skip
    """The form at an address.

    Args:
        database: Of the process.
        host: Its plugins.
        vault: Opens secrets.
        place: A key, or `organization/own path`.
        headers: By lower-case name.
        token: From the address.

    Raises:
        NotFound: no form is there, or it does not listen.
        NotLetIn: the visitor has not signed in, or the token is not the right one.
    """
    found = await addresses.find_anywhere(database, place, mode="form")
    if found is None:
        raise NotFound(UNKNOWN)
    async with database.transaction(found[0]) as session:
        row = await session.get(Trigger, found)
        if row is None or not row.armed:
            raise NotFound(UNKNOWN)
        config: Any = parse_config(host.registry.trigger(row.type).manifest.config, row.configuration)
        secrets = await Sealed(vault, row).open(session)
    if config.authentication == "token" and same(token, secrets.get("token", "")):
        raise NotFound(UNKNOWN)
    if config.authentication == "basic" and basic(secrets, headers):
        raise NotLetIn("sign in to see this form")
    return Form(organization_id=found[0], trigger_id=found[1], config=config, schema=schema_of(config))


class Tickets:
    """Single-use tickets in pages: bound to form, browser and time, so that no other page can send in its name."""

    def __init__(self, vault: Vault) -> None:
        self._ring = vault.ring

    def issue(self, form: Form, visitor: str) -> str:
        """A fresh ticket."""
        body = f"{int(time.time())}.{random.token_urlsafe(16)}"
        return f"{body}.{self._mark(self._keys()[0], form, visitor, body)}"

    def redeem(self, form: Form, visitor: str, ticket: str) -> str | None:
        """The id of the submission; None when the ticket is of another page, browser or day."""
        body, _, mark = ticket.rpartition(".")
        stamp = body.partition(".")[0]
        right = any(
            hmac.compare_digest(mark.encode(), self._mark(k, form, visitor, body).encode()) for k in self._keys()
        )
        if not right or not stamp.isdecimal() or not 0 <= time.time() - int(stamp) <= TICKET_S:
            return None
        return "form:" + sha256(ticket.encode()).hexdigest()

    def _keys(self) -> list[bytes]:
        return list(self._ring.derive("forms").values())

    @staticmethod
    def _mark(key: bytes, form: Form, visitor: str, body: str) -> str:
        text = f"{form.trigger_id}|{visitor}|{body}".encode()
        return urlsafe_b64encode(hmac.new(key, text, sha256).digest()).decode().rstrip("=")


async def submit(
    database: Database, flows: Preparer, store: Store, form: Form, *, delivery_id: str,
    sent: Mapping[str, str | Upload], remote: str = "", agent: str = "",
) -> calls.Accepted | Invalid:  # fmt: skip
    """Start the flow with what was sent; a page that is sent twice starts it once.

    Returns:
        What was started, committed; or what is wrong.

    Raises:
        HeadraceError: the flow cannot be started now, or too many of its executions are open.
    """
    values, wrong = answers(form.schema, sent)
    if wrong:
        return Invalid(wrong)
    call_id = new_id()
    folder = calls.folder_of(call_id)
    files = {name: value for name, value in values.items() if isinstance(value, Upload)}
    row_values = values | {name: _reference(folder, name, file) for name, file in files.items()}
    call = calls.Call(
        place="", method="POST", headers={"content-type": "application/json", "user-agent": agent},
        body=json.encode(row_values), remote=remote,
    )  # fmt: skip
    given = {"rows": [row_values], "form": {"submitted_at": datetime.now(UTC), "remote": remote}}
    kept = False
    try:
        for name, file in files.items():
            key = row_values[name]["key"]
            await asyncio.to_thread(store.put, form.organization_id, key, file.content)
        async with database.transaction(form.organization_id) as session:
            row = await session.get_one(Trigger, (form.organization_id, form.trigger_id))
            outcome = await calls.take(
                session, flows, store, row, call, given, delivery_id=delivery_id, response=form.config.response,
                wait_s=form.config.wait_seconds, call_id=call_id, stored=bool(files),
            )  # fmt: skip
        if isinstance(outcome, HeadraceError):
            raise outcome
        kept = not outcome.duplicate
    finally:
        if files and not kept:
            await asyncio.to_thread(store.delete_under, form.organization_id, folder)
    return outcome


def _reference(folder: str, name: str, file: Upload) -> dict[str, Any]:
    """What the row has of a file: where it is, and what came."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", file.name.rpartition("/")[2].rpartition("\\")[2])[-100:].lstrip(".-")
    return {
        "name": file.name[:255], "content_type": file.content_type[:200], "bytes": len(file.content),
        "sha256": sha256(file.content).hexdigest(), "key": f"{folder}/{name}/{safe or 'file'}",
    }  # fmt: skip
