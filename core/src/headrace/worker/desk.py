"""Answers what open connections ask of their worker: leave for the next request, counted over all workers; a token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from headrace.connections.service import Vault
from headrace.connections.tokens import fresh
from headrace.engine.messages import HostAsked, HostTold
from headrace.engine.problems import problem_of
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.infra.rates import SCRIPT, Bucket, Local, Rate, verdict
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry

AWAY_S = 1.0
_log = structlog.get_logger("headrace.worker")


class Desk:
    """One of a worker.

    Args:
        database: With tokens.
        bus: Where requests are counted.
        vault: Opens tokens.
        registry: The plugins.
    """

    def __init__(self, database: Database, bus: Bus, vault: Vault, registry: Registry) -> None:
        self._database, self._bus, self._vault, self._registry = database, bus, vault, registry
        self._local = Local()
        self._away_until = 0.0

    async def answer(self, organization_id: UUID, specs: Mapping[str, ConnectionSpec], asked: HostAsked) -> HostTold:
        """The answer; never raises."""
        spec = specs.get(asked.connection)
        try:
            if asked.budgets:
                key = f"{organization_id}:{spec.id if spec and spec.id else asked.connection}"
                return HostTold(no=asked.no, wait_s=await self.wait_s(key, asked.budgets))
            known = UUID(spec.id) if spec is not None and spec.id else UUID(int=0)
            token = await fresh(
                self._database, self._vault, self._registry, organization_id, known, refused=asked.refused
            )
            return HostTold(no=asked.no, token=token)
        except Exception as error:
            return HostTold(no=asked.no, problem=problem_of(error))

    async def wait_s(self, key: str, budgets: tuple[tuple[int, int], ...]) -> float:
        """Take one request from each budget of a connection, or from none: seconds until one may ask again."""
        buckets = [Bucket(f"connection:{key}:{most}/{per_s}", Rate(most, per_s)) for most, per_s in budgets]
        if time.monotonic() >= self._away_until:
            numbers = [number for bucket in buckets for number in (bucket.rate.every_us, bucket.rate.most)]
            try:
                keys = [f"headrace:rate:{bucket.key}" for bucket in buckets]
                found = await self._bus.evaluate(SCRIPT, keys, [*numbers, 1])
                return _left(verdict(buckets, found).allowed, verdict(buckets, found).retry_after_s)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("requests are counted by this worker alone", reason=type(error).__name__)
                self._away_until = time.monotonic() + AWAY_S
        told = self._local.take(buckets)
        return _left(told.allowed, told.retry_after_s)


def _left(allowed: bool, wait_s: float) -> float:
    return 0.0 if allowed else max(wait_s, 0.001)
