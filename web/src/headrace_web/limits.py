"""Slow down those who guess passwords: counted per address and account in Redis, in the process when Redis is away."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict

from headrace.sdk.errors import ServiceError
from redis.exceptions import RedisError

from headrace_web.services import Services

WINDOW_S = 300
PER_ACCOUNT = 10
PER_ADDRESS = 50
_KEEP = 10_000
_local: OrderedDict[str, tuple[float, int]] = OrderedDict()


class RateLimited(ServiceError):
    """Too many attempts; `details` carries the seconds to wait."""

    code = "RATE_LIMITED"
    status = 429


async def count_attempt(services: Services, *, account: str, address: str) -> None:
    """Count a sign-in attempt.

    Raises:
        RateLimited: too many of this account from this address, or of this address.
    """
    one = hashlib.sha256(f"{account.strip().lower()}|{address}".encode()).hexdigest()[:32]
    for key, most in ((f"headrace:sign-in:{one}", PER_ACCOUNT), (f"headrace:sign-in:{address}", PER_ADDRESS)):
        if await _count(services, key) > most:
            raise RateLimited(
                f"too many attempts to sign in; wait {WINDOW_S // 60} minutes and try again", retry_after_s=WINDOW_S
            )


async def forget_attempts(services: Services, *, account: str, address: str) -> None:
    """A right password clears the account's count."""
    one = hashlib.sha256(f"{account.strip().lower()}|{address}".encode()).hexdigest()[:32]
    _local.pop(f"headrace:sign-in:{one}", None)
    try:
        await services.redis.delete(f"headrace:sign-in:{one}")
    except (RedisError, OSError):
        return


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
