"""Count a request before it is served, and tell in its answer how many are left."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

from headrace.accounts.permissions import Actor
from headrace.infra.rates import Bucket, Verdict
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from headrace_web.limits import RateLimited
from headrace_web.security.address import client_address, network_of
from headrace_web.services import Services

RATE = "rate"
"""In `opt` of a public handler: the class in which its requests are counted."""
_STATE = "rate"


async def admit_address(services: Services, connection: ASGIConnection[Any, Any, Any, Any], kind: str) -> None:
    """Count a request of a stranger.

    Raises:
        RateLimited: too many of the address in this class.
    """
    who = network_of(client_address(connection))
    _go_on(connection.scope, await services.rates.take([Bucket(f"{kind}:{who}", services.rates.rates[kind])]))


async def admit_actor(services: Services, connection: ASGIConnection[Any, Any, Any, Any], actor: Actor) -> None:
    """Count a request of a user or a key.

    Raises:
        RateLimited: too many in the hour, or at this operation in the minute.
    """
    who = principal(actor)
    scope = connection.scope
    route = f"{scope.get('method', '')} {scope.get('path_template', '')}"
    at_route = f"{who}:{hashlib.sha256(route.encode()).hexdigest()[:16]}"
    hourly = Bucket(who, await services.rates.of_plan(services.database, actor.organization_id))
    _go_on(scope, await services.rates.take([hourly, Bucket(at_route, services.rates.rates["route"])]))


def principal(actor: Actor) -> str:
    """Whose requests are counted together: of a key, else of a user in an organization."""
    return f"key:{actor.key_id}" if actor.key_id else f"user:{actor.organization_id}:{actor.user_id}"


async def add_rate(message: Message, scope: Scope, services: Services) -> None:
    """The headers of an answer. One that no handler gave, at no address of ours, is counted here."""
    found: Verdict | None = scope["state"].get(_STATE)
    if found is None:
        kind = "static" if scope.get("method") == "OPTIONS" else "anonymous"
        who = network_of(client_address(ASGIConnection(scope)))
        found = await services.rates.take([Bucket(f"{kind}:{who}", services.rates.rates[kind])])
    if found.limit:
        headers = MutableScopeHeaders.from_message(message)
        headers["X-RateLimit-Limit"] = str(found.limit)
        headers["X-RateLimit-Remaining"] = str(found.remaining)
        headers["X-RateLimit-Reset"] = str(math.ceil(time.time() + found.reset_s))


def _go_on(scope: Scope, found: Verdict) -> None:
    scope["state"][_STATE] = found
    if not found.allowed:
        wait = max(1, math.ceil(found.retry_after_s))
        raise RateLimited(f"too many requests; wait {wait} seconds and try again", retry_after_s=wait)
