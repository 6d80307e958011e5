"""Guards of the code, each with how it is taken away and the look that must notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from headrace.access import resolve
from headrace.accounts import api_keys, letters, passwords, second_factor, service_accounts, sign_in, tokens
from headrace.accounts.models import ApiKey, Membership, SignIn, User
from headrace.accounts.permissions import Actor
from headrace.files import service as files
from headrace.files import signing
from headrace.infra import roles, settings
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.sdk import egress
from headrace.triggers import hooks
from headrace_web import app, assets, deps, guards, limits
from headrace_web.api import connections, waits
from headrace_web.realtime import socket, tickets
from headrace_web.security import browser
from msgspec import Struct, structs

from tests.guards import looks
from tests.guards.stage import API, Look, Stage, cell, status

Take = Callable[[pytest.MonkeyPatch, Stage], None]
UNSIGNED = f"{API}/files/{{file_id}}/content?token={{organization_id}}.4102444800.0"
FOREIGN = "http://evil.example"


class Removal(Struct, frozen=True):
    """A guard that is taken away, and what notices."""

    guard: str
    take: Take
    look: Look


def put(module: Any, name: str, value: Any) -> Take:
    """Replace something by what guards nothing."""
    return lambda patch, _: patch.setattr(module, name, value)


def nothing(*_: Any, **__: Any) -> None:
    """Guards nothing."""


def yes(*_: Any, **__: Any) -> bool:
    """Agrees."""
    return True


async def _alive_for_ever(session: Any, row: SignIn | None) -> Any:
    return None if row is None else await sign_in.member_and_user(session, row.organization_id, row.user_id)


async def _any_member(session: Any, organization_id: Any, user_id: Any) -> Any:
    user, member = await session.get(User, user_id), await session.get(Membership, (organization_id, user_id))
    return (user, member) if user and member else None


def _unsigned(token: str, *_: Any, **__: Any) -> dict[str, Any]:
    return _decode(token, options={"verify_signature": False})


_decode = jwt.decode
_key_actor = api_keys._actor
_redeem = letters.redeem


def _with_all_rights(row: ApiKey, user: User, member: Membership) -> Actor:
    made = _key_actor(row, user, member)
    return structs.replace(made, permissions=sign_in.PERMISSIONS[member.role])


def _as_person(row: ApiKey, user: User, member: Membership) -> Actor:
    return structs.replace(_key_actor(row, user, member), session_id=new_id())


async def _any_key(session: Any, actor: Actor, key_id: Any, *, lock: bool = False) -> ApiKey:
    return await session.get_one(ApiKey, (actor.organization_id, key_id))


async def _any_session(session: Any, actor: Actor, session_id: Any) -> None:
    (await session.get_one(SignIn, (actor.organization_id, session_id))).revoked_at = now()


async def _used_again(session: Any, kind: Any, token: Any) -> Any:
    await session.execute(sa.update(letters.Letter).values(used_at=None))
    return await _redeem(session, kind, token)


async def _ticket_kept(services: Any, ticket: str) -> Any:
    found = await services.redis.get(tickets._key(ticket))
    return tickets.msgspec.json.decode(found, type=tickets.Holder) if found else None


async def let_in(*_: Any) -> None:
    """Reaches everything."""


async def yes_in_time(*_: Any) -> bool:
    """Agrees, when it is waited for."""
    return True


async def _off(*_: Any) -> str:
    return "off"


def _for_others(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    other = stage.theirs.organization_id
    patch.setattr(deps.Context, "transaction", lambda ctx: ctx.services.database.transaction(other))


def _everybody(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    async def owner(*_: Any) -> tuple[Actor, bool]:
        return stage.mine.owner.actor, False

    patch.setattr(guards, "authenticate", owner)


def _no_bounds(patch: pytest.MonkeyPatch, _: Stage) -> None:
    for name in ("PER_ACCOUNT", "PER_ADDRESS", "PER_ACCOUNT_EVERYWHERE"):
        patch.setattr(limits, name, 10**9)


REMOVALS = (
    Removal("somebody is signed in", _everybody, cell("flows_list_flows", "a stranger")),
    Removal("permission of the role", put(Actor, "require", nothing), cell("invitations_invite", "viewer")),
    Removal("grants open only what they are on", put(resolve, "reach", let_in), cell("flows_update_flow", "viewer")),
    Removal("rights of the installation", put(Actor, "may", yes), cell("system_list_letters", "owner")),
    Removal("a sign-in that has ended", put(sign_in, "_alive", _alive_for_ever), cell("auth_me", "a revoked token")),
    Removal("a token's time", put(tokens, "now", lambda: now() - timedelta(minutes=110)),
            cell("auth_me", "an expired token")),
    Removal("a token's signature", put(tokens.jwt, "decode", _unsigned), cell("auth_me", "a forged token")),
    Removal("membership", put(sign_in, "member_and_user", _any_member), cell("auth_me", "a former member")),
    Removal("a key's time", put(api_keys, "_alive", yes), cell("flows_list_flows", "an expired key")),
    Removal("a key's scopes", put(api_keys, "_actor", _with_all_rights), cell("flows_create_flow", "narrow key")),
    Removal("no key changes an account", put(api_keys, "_actor", _as_person), cell("api_keys_list_keys", "wide key")),
    Removal("keys of others", put(api_keys, "find", _any_key),
            status(404, "viewer", "GET", f"{API}/api-keys/{{key_id}}")),
    Removal("sign-ins of others", put(sign_in, "end_session", _any_session),
            status(404, "viewer", "DELETE", f"{API}/sessions/{{session_id}}")),
    Removal("proof of a browser", put(guards, "check_browser", nothing),
            cell("flows_create_flow", "editor in a browser without proof")),
    Removal("CSRF token", put(browser.hmac, "compare_digest", yes), looks.foreign_token),
    Removal("origin of a change by cookie", put(browser, "own_origin", yes),
            status(403, "editor in a browser", "POST", f"{API}/flows", {"name": "x"}, Origin=FOREIGN)),
    Removal("origin of a sign-in", put(guards, "check_origin", nothing),
            status(403, "a stranger", "POST", f"{API}/auth/login", {"email": "x", "password": "x"}, Origin=FOREIGN)),
    Removal("origin of a socket", put(socket, "own_origin", yes), looks.foreign_socket),
    Removal("a ticket is good once", put(socket, "redeem", _ticket_kept), looks.ticket_twice),
    Removal("the transaction's organization", _for_others, looks.no_canary),
    Removal("signature of a webhook", put(hooks, "refusal", lambda *_: ""), looks.unsigned_call),
    Removal("bounds of guessing", _no_bounds, looks.guessing_ends),
    Removal("password", put(passwords, "_verify", yes), looks.wrong_password),
    Removal("second factor", put(second_factor, "check", _off), looks.no_second_factor),
    Removal("a letter is good once", put(letters, "redeem", _used_again), looks.letter_twice),
    Removal("nobody gives more than they have", put(service_accounts, "require_role", nothing),
            status(403, "admin", "POST", f"{API}/service-accounts", {"name": "x", "role": "owner"})),
    Removal("approvals given to others", put(waits, "_may_decide", looks.unasked), looks.approval_of_others),
    Removal("secrets of a connection", put(connections.secrets, "shown", lambda _, config: config), looks.secret_shown),
    Removal("the way out to the network", put(egress.EgressPolicy, "verdict", lambda *_: "open"),
            looks.metadata_server),
    Removal("headers of every answer", put(app, "add_headers", nothing), looks.headers),
    Removal("each handler declares its access", put(app, "unguarded", lambda _: []), looks.undeclared_handler),
    Removal("powers of the database role", put(roles, "POWERS", "SELECT 'x', ''"), looks.powerful_role),
    Removal("unsafe settings", put(settings, "_refuse_unsafe", nothing), looks.wildcard_origin),
    Removal("files of the UI only", put(assets, "find", lambda name: (assets.STATIC / name).resolve()),
            looks.file_outside),
    Removal("signature of a file's address", put(signing.hmac, "compare_digest", yes),
            status(403, "a stranger", "PUT", UNSIGNED)),
    Removal("backups are for who may delete files", put(files, "_hidden", lambda *_: False),
            status(403, "editor", "POST", f"{API}/files", {"bucket": "backups", "name": "x.dump"})),
)  # fmt: skip
