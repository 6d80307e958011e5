"""Slow down those who guess passwords or send forms without end: counted in Redis, in the process when Redis is away.

Attempts are counted per account and address, per address, and per account from everywhere. The last stops a guesser
with many addresses; an address that has signed in to the account before is exempt from it, so that nobody locks its
owner out. Every count ends with its window.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict

from headrace.sdk.errors import ServiceError
from redis.exceptions import RedisError

from headrace_web.security.address import network_of
from headrace_web.services import Services

WINDOW_S = 300
PER_ACCOUNT = 10
PER_ADDRESS = 50
PER_ACCOUNT_EVERYWHERE = 100
KNOWN_S = 30 * 24 * 3600
"""How long an address is known to an account after a sign-in."""
_KEEP = 10_000
_local: OrderedDict[str, tuple[float, int]] = OrderedDict()


class RateLimited(ServiceError):
    """Too many attempts; `details` carries the seconds to wait."""

    code = "RATE_LIMITED"
    status = 429


async def count_attempt(services: Services, *, account: str, address: str) -> None:
    """Count a sign-in attempt.

    Raises:
        RateLimited: too many of this account from this address, of this address, or of this account.
    """
    of_address, one, everywhere = _keys(account, address)
    counted = [(one, PER_ACCOUNT), (of_address, PER_ADDRESS)]
    if not await _is_known(services, one):
        counted.append((everywhere, PER_ACCOUNT_EVERYWHERE))
    for key, most in counted:
        if await _count(services, key) > most:
            raise RateLimited(
                f"too many attempts to sign in; wait {WINDOW_S // 60} minutes and try again", retry_after_s=WINDOW_S
            )


async def forget_attempts(services: Services, *, account: str, address: str) -> None:
    """A right password clears the account's count, and makes the address known."""
    _, one, _ = _keys(account, address)
    _local.pop(one, None)
    try:
        await services.redis.delete(one)
        await services.redis.set(f"{one}:known", 1, ex=KNOWN_S)
    except (RedisError, OSError):
        return


def _keys(account: str, address: str) -> tuple[str, str, str]:
    """Counters of the address, of the account from it, and of the account."""
    account, network = account.strip().lower(), network_of(address)
    hashed = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in (f"{account}|{network}", account)]
    return f"headrace:sign-in:{network}", f"headrace:sign-in:{hashed[0]}", f"headrace:sign-in:{hashed[1]}"


async def _is_known(services: Services, one: str) -> bool:
    try:
        return bool(await services.redis.exists(f"{one}:known"))
    except (RedisError, OSError):
        return False


async def bounded(services: Services, what: str, key: str, most: int) -> None:
    """Count a use of something that strangers may use.

    Args:
        services: Of the process.
        what: Named in the sentence, e.g. `this form`.
        key: Whose uses are counted together.
        most: In five minutes.

    Raises:
        RateLimited: that was too many.
    """
    if await _count(services, f"headrace:use:{hashlib.sha256(key.encode()).hexdigest()[:32]}") > most:
        raise RateLimited(
            f"{what} is used too often; wait {WINDOW_S // 60} minutes and try again", retry_after_s=WINDOW_S
        )


async def _count(services: Services, key: str) -> int:
    try:
        async with services.redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, WINDOW_S, nx=True)
            count, _ = await pipe.execute()
        return int(count)
    except (RedisError, OSError):
        until, count = _local.pop(key, (0.0, 0))
        at = time.monotonic()
        _local[key] = (until, count + 1) if until > at else (at + WINDOW_S, 1)
        while len(_local) > _KEEP:
            _local.popitem(last=False)
        return _local[key][1]
