"""Forms: what was sent, checked, and the execution that it starts. Who may see one is in `hosted.py`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct, json, structs

from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.sdk.errors import HeadraceError
from headrace.triggers import calls
from headrace.triggers.form_fields import Upload, answers, schema_of
from headrace.triggers.hosted import Hosted
from headrace.triggers.models import Trigger
from headrace.triggers.starting import Preparer


class Form(Hosted, frozen=True, kw_only=True):
    """A form that listens, for a visitor who may see it."""

    schema: dict[str, Any]


class Invalid(Struct, frozen=True):
    """What is wrong, by field; the empty name is about the page as a whole."""

    problems: dict[str, str]


def form_of(page: Hosted) -> Form:
    """The form of a page."""
    return Form(**structs.asdict(page), schema=schema_of(page.config))


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
