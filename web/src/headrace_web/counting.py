"""Count a request before it is served, and tell in its answer how many are left."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Hashable
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


def refuse_again(services: Services, connection: ASGIConnection[Any, Any, Any, Any], shown: bytes) -> Hashable:
    """Before anything is asked: refuse who was refused a moment ago. Returns the caller, for remembering a refusal.

    Args:
        services: Of the process.
        connection: The request.
        shown: A digest of the token, key or cookie, as the caller wrote it.

    Raises:
        RateLimited: with the same address and operation, and the wait is not over.
    """
    caller = (shown, client_address(connection), _operation(connection.scope))
    if (found := services.rates.refused.look(caller)) is not None:
        _go_on(connection.scope, found)
    return caller


async def admit_address(
    services: Services, connection: ASGIConnection[Any, Any, Any, Any], kind: str, *callers: Hashable
) -> None:
    """Count a request of a stranger, who may have shown something that is not valid.

    Raises:
        RateLimited: too many of the address in this class.
    """
    bucket = Bucket(f"{kind}:{network_of(client_address(connection))}", services.rates.rates[kind])
    await _take(services, connection.scope, [bucket], bucket, *callers)


async def admit_actor(
    services: Services, connection: ASGIConnection[Any, Any, Any, Any], actor: Actor, caller: Hashable
) -> None:
    """Count a request of a user or a key.

    Raises:
        RateLimited: too many in the hour, or at this operation in the minute.
    """
    who = principal(actor)
    at_operation = f"{who}:{hashlib.sha256(_operation(connection.scope).encode()).hexdigest()[:16]}"
    hourly = Bucket(who, await services.rates.of_plan(services.database, actor.organization_id))
    buckets = [hourly, Bucket(at_operation, services.rates.rates["route"])]
    await _take(services, connection.scope, buckets, caller)


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


def _operation(scope: Scope) -> str:
    return f"{scope.get('method', '')} {scope.get('path_template', '')}"


async def _take(services: Services, scope: Scope, buckets: list[Bucket], *callers: Hashable) -> None:
    """Count, or refuse and remember that."""
    refused = services.rates.refused
    found = refused.look(callers[0])
    if found is None:
        found = await services.rates.take(buckets)
        if not found.allowed:
            for caller in callers:
                refused.remember(caller, found)
    _go_on(scope, found)


def _go_on(scope: Scope, found: Verdict) -> None:
    scope["state"][_STATE] = found
    if not found.allowed:
        wait = max(1, math.ceil(found.retry_after_s))
        raise RateLimited(f"too many requests; wait {wait} seconds and try again", retry_after_s=wait)
