"""pytest plugin: fixtures for real services; loads nothing heavy until a test asks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headrace.infra.database import Database
    from headrace.infra.settings import Settings
    from headrace.testing.services import Urls


def pytest_configure() -> None:
    """Tests reach their servers on this machine."""
    os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")


@pytest.fixture
def database_urls() -> Iterator[Urls]:
    """Addresses of a freshly migrated database, by role."""
    from headrace.testing.services import Urls, as_role, fresh_database

    with fresh_database(migrated=True) as url:
        yield Urls(*(as_role(url, role) for role in ("headrace_owner", "headrace_app", "headrace_worker")))


@pytest.fixture
async def database(database_urls: Urls) -> AsyncIterator[Database]:
    """A freshly migrated database as the api sees it."""
    from headrace.infra.database import Database

    opened = Database.from_url(database_urls.app_url)
    yield opened
    await opened.close()


@pytest.fixture
async def worker_database(database_urls: Urls) -> AsyncIterator[Database]:
    """The same database as `database`, as worker and scheduler see it."""
    from headrace.infra.database import Database

    opened = Database.from_url(database_urls.worker_url)
    yield opened
    await opened.close()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database of an ordinary role, for connectors."""
    from headrace.testing.services import as_role, fresh_database

    with fresh_database(migrated=False) as url:
        yield as_role(url, "demo")


@pytest.fixture
def redis_url() -> str:
    """An emptied Valkey database that no other pytest worker uses."""
    import redis

    from headrace.testing.services import needs, with_database

    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    url = with_database(needs("redis"), str(number))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def headrace_settings(database_urls: Urls, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation of its own."""
    from headrace.infra.crypto import generate_key
    from headrace.infra.settings import Settings
    from headrace.sdk.config import Secret

    return Settings(
        home=tmp_path / "home",
        database_url=Secret(database_urls.app_url),
        database_worker_url=Secret(database_urls.worker_url),
        database_owner_url=Secret(database_urls.owner_url),
        redis_url=Secret(redis_url),
        master_keys=(Secret(generate_key()),),
        rate_limits=("anonymous=100000/h", "sign_in=100000/h", "route=100000/m", "user=1000000/h"),
    )
