"""The real application on a real database, and people of two organizations who use it."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

with (
    warnings.catch_warnings()
):  # litestar imports advanced-alchemy where it is installed, which uses what SQLAlchemy deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from litestar import Litestar

from argon2 import PasswordHasher
from headrace.accounts import passwords
from headrace.accounts import service as accounts
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from headrace_web.testing import serving

PASSWORD = "correct horse battery staple 9"
BASE = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Person:
    """A user with a bearer token."""

    email: str
    organization_id: UUID
    headers: dict[str, str]


@pytest.fixture(scope="session")
def plugin_host() -> Host:
    return load_plugins()


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing at full cost would take most of the time of these tests; `core/tests/test_accounts.py` has the cost."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Client(httpx.AsyncClient):
    """Calls the application in the test's own event loop."""

    app: Litestar


@pytest.fixture
async def client(headrace_settings: Settings, plugin_host: Host) -> AsyncIterator[Client]:
    async with serving(headrace_settings, plugin_host) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with Client(transport=transport, base_url=BASE) as opened:
            opened.app = app
            yield opened


Sign = Callable[..., Awaitable[Person]]


@pytest.fixture
def sign_up(client: Client, database: Database) -> Sign:
    """Makes a user of a role, in a new organization or a given one, and signs them in."""

    async def make(role: str = "owner", organization_id: UUID | None = None, name: str = "") -> Person:
        email = f"{name or role}-{organization_id.hex[-8:] if organization_id else 'new'}@example.org"
        async with database.transaction() as session:
            user = await accounts.create_user(session, email=email, password=PASSWORD, full_name=role)
            if organization_id is None:
                organization_id = (await accounts.create_organization(session, name=name or "Works")).id
            else:
                from headrace.infra.database import set_tenant

                await set_tenant(session, organization_id)
            await accounts.add_member(session, organization_id, user.id, role)
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        token = answer.json()["data"]["access_token"]
        return Person(email, organization_id, {"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
async def admin(sign_up: Sign, database: Database) -> Person:
    """The owner of an organization who is platform admin too."""
    person = await sign_up(name="boss")
    async with database.transaction() as session:
        await session.execute(
            sa.text("update users set is_platform_admin = true where email = :e"), {"e": person.email}
        )
    return person
