"""Looks at the stage: each says what is wrong, and nothing while its guard stands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.accounts import letters
from headrace.accounts import service as accounts
from headrace.accounts.models import SecondFactor
from headrace.executions import waits
from headrace.infra.clock import now
from headrace.infra.roles import refuse_powerful
from headrace.infra.settings import load_settings
from headrace.sdk.config import Secret
from headrace.sdk.egress import EgressPolicy, check_host
from headrace.sdk.errors import ConfigError
from headrace_web import limits
from headrace_web.app import create_app
from litestar import get

from tests.guards.stage import API, Stage
from tests.tenancy.matrix import admin_url
from tests.tenancy.things import make
from tests.tenancy.world import PASSWORD

COUNT = limits._count
"""As it is; the site slows nobody down."""


async def foreign_token(stage: Stage) -> list[str]:
    """The token of another sign-in."""
    csrf = {"X-CSRF-Token": "0" * 64}
    answer = await stage.call("editor in a browser", "POST", f"{API}/flows", {"name": "x"}, **csrf)
    return [] if answer.status_code == 403 else [f"let through: {answer.status_code}"]


async def foreign_socket(stage: Stage) -> list[str]:
    """A socket of a foreign page."""
    code = await stage.socket(await stage.ticket(), "http://evil.example")
    return [] if code == 4403 else [f"closed with {code}"]


async def ticket_twice(stage: Stage) -> list[str]:
    """One ticket, two sockets."""
    ticket = await stage.ticket()
    codes = [await stage.socket(ticket) for _ in range(2)]
    return [] if codes == [0, 4401] else [f"closed with {codes}"]


async def no_canary(stage: Stage) -> list[str]:
    """Names of the other organization in a list."""
    answer = await stage.call("owner", "GET", f"{API}/queues")
    folders = await stage.call("owner", "GET", f"{API}/workspaces/{stage.mine.ids['workspace_id']}/folders")
    shown = answer.status_code == folders.status_code == 200 and stage.mine.canary in folders.text
    return [] if shown and stage.theirs.canary not in answer.text + folders.text else ["one's own is away"]


async def unsigned_call(stage: Stage) -> list[str]:
    """A call of a webhook that wants a signature."""
    made = await stage.call(
        "owner", "POST", f"{API}/webhooks", {"flow_id": stage.mine.ids["flow_id"], "name": "Signed"}
    )
    place = made.json()["data"]["url"].partition("/hooks/")[2]
    answer = await stage.site.call("POST", f"/hooks/{place}", {}, {"a": 1})
    await stage.call("owner", "DELETE", f"{API}/webhooks/{made.json()['data']['id']}")
    return [] if answer.status_code in {401, 403} else [f"taken: {answer.status_code}"]


async def guessing_ends(stage: Stage) -> list[str]:
    """Twelve wrong passwords."""
    once, limits._count = limits._count, COUNT
    try:
        body = {"email": "somebody@example.org", "password": "x"}
        codes = [(await stage.site.call("POST", f"{API}/auth/login", {}, body)).status_code for _ in range(12)]
    finally:
        limits._count = once
        async for key in stage.site.services.redis.scan_iter("headrace:sign-in:*"):
            await stage.site.services.redis.delete(key)
    return [] if codes[-1] == 429 else [f"never stopped: {codes}"]


async def _member(stage: Stage) -> tuple[UUID, str]:
    id_ = UUID(await make(stage.site, stage.mine, "user_id"))
    async with stage.site.services.database.transaction(stage.mine.organization_id) as session:
        return id_, (await accounts.user_by_id(session, id_)).email


async def wrong_password(stage: Stage) -> list[str]:
    """A sign-in with another password."""
    _, email = await _member(stage)
    answer = await stage.site.call("POST", f"{API}/auth/login", {}, {"email": email, "password": "another one 123"})
    return [] if answer.status_code == 401 else [f"signed in: {answer.status_code}"]


async def no_second_factor(stage: Stage) -> list[str]:
    """A sign-in with the password alone."""
    id_, email = await _member(stage)
    async with stage.site.services.database.transaction(stage.mine.organization_id, user_id=id_) as session:
        session.add(SecondFactor(user_id=id_, secret="", confirmed_at=now()))
    answer = await stage.site.call("POST", f"{API}/auth/login", {}, {"email": email, "password": PASSWORD})
    return [] if answer.status_code == 401 else [f"signed in: {answer.status_code}"]


async def letter_twice(stage: Stage) -> list[str]:
    """One link, two new passwords."""
    _, email = await _member(stage)
    async with stage.site.services.database.transaction() as session:
        letter = await letters.write(session, "reset_password", email)
        opened = await letters.open_letter(session, letter.id, "http://x")
    body = {"token": opened.link.partition("#")[2], "new_password": "quite another password 7"}
    codes = [(await stage.site.call("POST", f"{API}/auth/reset-password", {}, body)).status_code for _ in range(2)]
    return [] if codes == [200, 401] else [f"answered with {codes}"]


async def unasked(ctx: Any, session: Any, wait_id: UUID) -> None:
    """Stands for the check of who decides."""
    await waits.get(session, ctx.organization_id, wait_id)


async def approval_of_others(stage: Stage) -> list[str]:
    """A decision by somebody who was not asked."""
    id_ = await make(stage.site, stage.mine, "wait_id")
    async with stage.site.services.database.transaction(stage.mine.organization_id) as session:
        await session.execute(
            sa.text("UPDATE waits SET assignees = '{x@example.org}' WHERE id = :id"), {"id": UUID(id_)}
        )
    answer = await stage.call("operator", "POST", f"{API}/approvals/{id_}/approve", {})
    return [] if answer.status_code == 403 else [f"decided: {answer.status_code}"]


async def secret_shown(stage: Stage) -> list[str]:
    """A connection, read again."""
    config = {"host": "db.example.org", "database": "d", "user": "u", "password": "a-very-secret-text"}
    body = {"name": "Secretive", "connector": "postgresql", "config": config}
    made = await stage.call("owner", "POST", f"{API}/connections", body)
    if made.status_code == 201:
        await stage.call("owner", "DELETE", f"{API}/connections/{made.json()['data']['id']}")
    return [] if made.status_code == 201 and "a-very-secret" not in made.text else [f"shown: {made.status_code}"]


async def metadata_server(_: Stage) -> list[str]:
    """An address that nothing may reach."""
    try:
        check_host("x.example", 80, policy=EgressPolicy(), resolver=lambda *_: ["169.254.169.254"])
    except ConfigError:
        return []
    return ["reached"]


async def headers(stage: Stage) -> list[str]:
    """An answer of anything."""
    answer = await stage.site.call("GET", "/health/live", {})
    return [] if "content-security-policy" in answer.headers else ["no policy"]


async def undeclared_handler(stage: Stage) -> list[str]:
    """A handler that says nothing of who may call it."""

    @get("/open-by-mistake")
    async def forgotten() -> str:
        return "secret"

    try:
        create_app(stage.settings, stage.site.services.host, more=[forgotten])
    except RuntimeError:
        return []
    return ["started"]


async def powerful_role(stage: Stage) -> list[str]:
    """The administrator's role as the application's."""
    try:
        refuse_powerful(stage.settings.replace(database_url=Secret(admin_url(stage.settings))))
    except ConfigError:
        return []
    return ["started"]


async def wildcard_origin(_: Stage) -> list[str]:
    """Every page as one's own."""
    try:
        load_settings({"HEADRACE_CORS_ORIGINS": "*"})
    except ConfigError:
        return []
    return ["started"]


async def file_outside(stage: Stage) -> list[str]:
    """A file beside those of the UI."""
    answer = await stage.site.call("GET", "/static/..%2fapp.py", {})
    return [] if answer.status_code == 404 else [f"sent: {answer.status_code}"]
