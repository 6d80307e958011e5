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
    """Tests reach their servers on this machine, and have their files where its services have theirs."""
    from headrace.testing.services import ground

    os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(ground()))


@pytest.fixture
def database_urls() -> Iterator[Urls]:
    """Addresses of a freshly migrated database, by role."""
    from headrace.testing.services import fresh_urls

    with fresh_urls() as urls:
        yield urls


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
    from headrace.testing.services import emptied_redis

    return emptied_redis()


@pytest.fixture
def headrace_settings(database_urls: Urls, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation of its own."""
    from headrace.testing.services import new_settings

    return new_settings(database_urls, redis_url, tmp_path / "home")
