"""What handlers work with: opened once per process, closed at its end."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from headrace.accounts.tokens import Signer
from headrace.connections.service import Vault
from headrace.infra.bus import Bus
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.infra.store import Store
from headrace.plugins.manager import Host
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_web.metrics import Metrics


class Services(Struct, kw_only=True):
    """Everything a handler may need.

    Attributes:
        csrf_key: Signs CSRF tokens.
        origins: Origins of our own pages and of the configured others, e.g. `https://headrace.example.org`.
    """

    settings: Settings
    host: Host
    database: Database
    bus: Bus
    redis: Redis
    store: Store
    signer: Signer
    vault: Vault
    metrics: Metrics
    csrf_key: bytes
    origins: frozenset[str]

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https."""
        return self.settings.public_url.startswith("https://")

    def csrf_token(self, session_id: UUID | None) -> str:
        """The token that a browser's sign-in sends as `X-CSRF-Token`."""
        return hmac.new(self.csrf_key, str(session_id).encode(), sha256).hexdigest()


@asynccontextmanager
async def open_services(settings: Settings, host: Host) -> AsyncIterator[Services]:
    """Open them all; nothing connects before the first use."""
    ring = KeyRing(settings.master_keys)
    redis_url = settings.redis_url.reveal()
    database = Database.from_url(settings.database_url.reveal(), pool_size=settings.pool_size, name="headrace-api")
    bus = Bus.from_url(redis_url)
    redis = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    try:
        yield Services(
            settings=settings, host=host, database=database, bus=bus, redis=redis, store=Store(settings.objects_url),
            signer=Signer(ring), vault=Vault(ring), metrics=Metrics(),
            csrf_key=next(iter(ring.derive("csrf").values())), origins=own_origins(settings),
        )  # fmt: skip
    finally:
        await bus.close()
        await redis.aclose()
        await database.close()


def own_origins(settings: Settings) -> frozenset[str]:
    """Origins that may send us changes; loopback ones are judged by the request's own Host besides."""
    urls = [settings.public_url, *settings.cors_origins]
    return frozenset(f"{parts.scheme}://{parts.netloc}".lower() for parts in map(urlsplit, urls) if parts.netloc)
