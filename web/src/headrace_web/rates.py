"""Rates of requests: counted in Redis for all processes together, in this one, and stricter, when Redis is away.

To refuse is cheap: a process remembers for a moment whom it has refused, and says so again without Redis, without the
database, and without looking at who it is. A refused call takes nothing, so until its wait is over nothing can change
but what may be had: `REFUSED_S` bounds how late a better plan is seen.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any
from uuid import UUID

from headrace.entitlements.service import limit_of
from headrace.infra.database import Database
from headrace.infra.rates import ANY, SCRIPT, Bucket, Local, Rate, Verdict, rates_of, verdict
from headrace.infra.settings import Settings
from headrace.sdk.errors import HeadraceError
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import RedisError

AWAY_S = 1.0
SLOW_S = 1.0
"""Redis that takes longer counts as away."""
KNOWN_S = 5.0
REFUSED_S = 2.0
"""So long, at most, a refusal is remembered."""
_KEEP = 20_000
_FREE = 100
"""Requests an hour where a plan allows none: what is there can still be looked at."""


class Refused:
    """Whom this process has refused a moment ago."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[float, Verdict]] = OrderedDict()

    def remember(self, key: Hashable, found: Verdict) -> None:
        """Keep a refusal."""
        self._known[key] = (time.monotonic(), found)
        while len(self._known) > _KEEP:
            self._known.popitem(last=False)

    def look(self, key: Hashable) -> Verdict | None:
        """The refusal as it is by now; None when there is none, or it may be over."""
        if (kept := self._known.get(key)) is None:
            return None
        at, found = kept
        passed = time.monotonic() - at
        if passed >= min(REFUSED_S, found.retry_after_s):
            del self._known[key]
            return None
        return replace(found, reset_s=found.reset_s - passed, retry_after_s=found.retry_after_s - passed)


class Rates:
    """The limiter of a process.

    Args:
        redis: Where is counted.
        settings: With the rates.

    Attributes:
        refused: By what they show, and by address.
    """

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.refused = Refused()
        self.rates = rates_of(settings.rate_limits)
        self._script: Any = redis.register_script(SCRIPT)
        self._local = Local()
        self._away_until = 0.0
        self._plans: dict[UUID, tuple[float, int]] = {}

    async def take(self, buckets: Sequence[Bucket], *, cost: int = 1) -> Verdict:
        """Take one of each bucket, or of none; `cost` 0 looks only."""
        buckets = [bucket for bucket in buckets if bucket.rate.most]
        if not buckets:
            return ANY
        if time.monotonic() >= self._away_until:
            numbers = [number for bucket in buckets for number in (bucket.rate.every_us, bucket.rate.most)]
            try:
                async with asyncio.timeout(SLOW_S):
                    keys = [f"headrace:rate:{bucket.key}" for bucket in buckets]
                    return verdict(buckets, await self._script(keys=keys, args=[*numbers, cost]))
            except (RedisError, OSError, TimeoutError):
                self._away_until = time.monotonic() + AWAY_S
        return self._local.take(buckets, cost=cost)

    async def of_plan(self, database: Database, organization_id: UUID) -> Rate:
        """How many requests an hour each user and key of an organization has."""
        until, most = self._plans.get(organization_id, (0.0, -1))
        if until <= time.monotonic():
            try:
                async with database.transaction(organization_id, here=True) as session:
                    most = await limit_of(session, "api_requests")
            except HeadraceError:
                most = most if until else -1
            if len(self._plans) > 10_000:
                self._plans.clear()
            self._plans[organization_id] = (time.monotonic() + KNOWN_S, most)
        usual = self.rates["user"]
        return usual if most < 0 or not usual.most else Rate(most or _FREE, 3_600)
