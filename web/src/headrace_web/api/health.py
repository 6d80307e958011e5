"""Whether we are alive, ready and well; counters."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Literal

from headrace import __version__
from headrace.infra import health
from headrace.infra.clock import now
from headrace.infra.migrate import heads
from litestar import Controller, MediaType, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from headrace_web.envelope import Meta
from headrace_web.guards import PUBLIC, limited
from headrace_web.services import Services


class Health(Struct, kw_only=True):
    """The state; `status` stands outside of `data` too, where probes look."""

    success: bool = True
    status: str
    reason: str = ""
    timestamp: datetime
    data: dict[str, Any]
    meta: Meta


def _health(status: str, *, code: int = 200, reason: str = "", **data: Any) -> Response[Health]:
    at = now()
    body = Health(
        success=code == 200,
        status=status,
        reason=reason,
        timestamp=at,
        data={"status": status, **data},
        meta=Meta(timestamp=at),
    )
    return Response(body, status_code=code)


async def _checks(services: Services) -> list[health.CheckResult]:
    revisions = await asyncio.to_thread(heads, services.host.registry.migrations.values())
    return await health.run_checks(
        {
            "database": health.database_check(services.database),
            "role": health.role_check(services.database),
            "migrations": health.migrations_check(services.database, revisions),
            "redis": health.redis_check(services.settings.redis_url.reveal()),
            "storage": health.store_check(services.store),
            "keys": health.keys_check(services.database, services.vault.ring),
            **({"replicas": services.replicas.check} if services.replicas.each else {}),
        }
    )


CRITICAL = frozenset({"database", "role", "migrations"})


class HealthController(Controller):
    """Probes."""

    path = "/health"
    tags = ("health",)
    opt = {**PUBLIC, **limited("health")}
    security: list[dict[str, list[str]]] = []

    @get("/")
    async def health(self, services: NamedDependency[Services]) -> Response[Health]:
        """Every check; sealed without the master key, degraded while only what we can do without is away."""
        found = await _checks(services)
        bad = [one for one in found if not one.ok]
        status: Literal["healthy", "degraded", "sealed", "unhealthy"] = "healthy"
        if bad:
            names = {one.name for one in bad}
            status = "unhealthy" if names & CRITICAL else "sealed" if "keys" in names else "degraded"
        checks = {one.name: {"ok": one.ok, "response_time_ms": one.ms, "message": one.message} for one in found}
        return _health(
            status, code=503 if status in {"unhealthy", "sealed"} else 200, version=__version__, checks=checks
        )

    @get("/live")
    async def live(self) -> Response[Health]:
        """The process answers."""
        return _health("alive")

    @get("/ready")
    async def ready(self, services: NamedDependency[Services]) -> Response[Health]:
        """Requests can be served."""
        bad = [one for one in await _checks(services) if not one.ok and one.name in CRITICAL]
        if bad:
            return _health("not_ready", code=503, reason=bad[0].message)
        return _health("ready")


@get("/metrics", opt={**PUBLIC, **limited("health")}, media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(services: NamedDependency[Services]) -> str:
    """Counters in Prometheus' text format."""
    return services.metrics.text(services.replicas.answered)


class RootHealth(HealthController):
    """The same probes without a version in the path."""

    include_in_schema = False


unversioned: list[type[Controller] | HTTPRouteHandler] = [RootHealth, metrics]
