"""What handlers work with: opened once per process, closed at its end."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from headrace.accounts.tokens import Signer
from headrace.connections.mappings import Readings
from headrace.connections.service import Vault
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.infra.mirror import mirror_quietly
from headrace.infra.replicas import Replicas
from headrace.infra.settings import Settings
from headrace.infra.store import Store
from headrace.plugins.manager import Host
from headrace.triggers.starting import Preparer
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_web.metrics import Metrics
from headrace_web.rates import Rates
from headrace_web.realtime.holders import Holders
from headrace_web.realtime.hub import Hub


class Services(Struct, kw_only=True):
    """Everything a handler may need.

    Attributes:
        flows: Flows that webhooks have called, read and checked.
        holders: Of open sockets.
        rates: Counts requests.
        readings: Of mappings, kept as long as each allows.
        replicas: Answer what is only read.
        origins: Origins of our own pages and of the configured others, e.g. `https://headrace.example.org`.
    """

    settings: Settings
    host: Host
    database: Database
    bus: Bus
    hub: Hub
    holders: Holders
    redis: Redis
    store: Store
    signer: Signer
    vault: Vault
    readings: Readings
    metrics: Metrics
    flows: Preparer
    rates: Rates
    replicas: Replicas
    origins: frozenset[str]

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https."""
        return self.settings.public_url.startswith("https://")

    def csrf_token(self, session_id: UUID | None) -> str:
        """The token that a browser's sign-in sends as `X-CSRF-Token`."""
        return self.marks(str(session_id).encode())[0]

    def marks(self, text: bytes) -> list[str]:
        """A mark of the installation on a text, by each master key of the ring; the first is the one to give.

        Raises:
            Sealed: there is no master key.
        """
        return [hmac.new(key, text, sha256).hexdigest() for key in self.vault.ring.derive("csrf").values()]


@asynccontextmanager
async def open_services(settings: Settings, host: Host) -> AsyncIterator[Services]:
    """Open them all; nothing connects before the first use."""
    ring = settings.key_ring()
    redis_url = settings.redis_url.reveal()
    database = Database.from_url(
        settings.database_url.reveal(), pool_size=settings.pool_size, name="headrace-api",
        objects_url=settings.objects_url, servers=settings.database_servers,
    )  # fmt: skip
    database.on_change = partial(mirror_quietly, database.url, settings.database_servers)
    bus = Bus.from_url(redis_url)
    redis = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    replicas = Replicas(
        [one.reveal() for one in settings.database_replica_urls], database, redis, pool_size=settings.pool_size,
        objects_url=settings.objects_url,
    )  # fmt: skip
    holders = Holders(database)
    looking = asyncio.create_task(replicas.serve())
    try:
        yield Services(
            settings=settings, host=host, database=database, bus=bus, hub=Hub(), holders=holders, redis=redis,
            store=Store(settings.objects_url),
            signer=Signer(ring), vault=Vault(ring), readings=Readings(), metrics=Metrics(), flows=Preparer(host),
            rates=Rates(redis, settings), replicas=replicas, origins=own_origins(settings),
        )  # fmt: skip
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await holders.close()
        await replicas.close()
        await bus.close()
        await redis.aclose()
        await database.close()


def own_origins(settings: Settings) -> frozenset[str]:
    """Origins that may send us changes; loopback ones are judged by the request's own Host besides."""
    urls = [settings.public_url, *settings.cors_origins]
    return frozenset(f"{parts.scheme}://{parts.netloc}".lower() for parts in map(urlsplit, urls) if parts.netloc)
