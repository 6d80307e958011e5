"""Single-use tickets: a browser cannot send a token with a WebSocket, and a cookie alone would let foreign pages in."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from headrace.accounts.permissions import Actor
from headrace.sdk.errors import TransientError, Unauthenticated
from redis.exceptions import RedisError

from headrace_web.realtime.holders import Holder
from headrace_web.services import Services

TICKET_S = 30


async def issue(services: Services, actor: Actor) -> str:
    """A ticket bound to the actor's sign-in.

    Raises:
        TransientError: Redis is away.
    """
    if actor.session_id is None:
        raise Unauthenticated("only a sign-in gets a ticket")
    ticket = secrets.token_urlsafe(32)
    holder = msgspec.json.encode(Holder(actor.organization_id, actor.session_id))
    try:
        await services.redis.set(_key(ticket), holder, ex=TICKET_S)
    except (RedisError, OSError):
        raise TransientError(
            "live updates are away for a moment; the page asks again by itself", retry_after_s=2
        ) from None
    return ticket


async def redeem(services: Services, ticket: str) -> Holder | None:
    """Whose ticket it is; the first who asks gets the answer."""
    try:
        found = await services.redis.getdel(_key(ticket))
    except (RedisError, OSError):
        return None
    return msgspec.json.decode(found, type=Holder) if found else None


def _key(ticket: str) -> str:
    return f"headrace:ws-ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
