"""Two organizations with one of everything, and all kinds of people and programs."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from headrace.accounts import api_keys, service_accounts, sign_in
from headrace.accounts import service as accounts
from headrace.accounts.models import ApiKey, SignIn
from headrace.accounts.permissions import PERMISSIONS, PLATFORM, Actor
from headrace.infra.clock import clock, now
from headrace.infra.database import set_tenant
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host
from headrace_web.security.browser import SAFE
from headrace_web.services import Services
from headrace_web.testing import serving
from litestar import Litestar
from msgspec import Struct

BASE = "http://127.0.0.1:8080"
PASSWORD = "correct horse battery staple 9"
NARROW = frozenset({"flow:read"})


class Principal(Struct, frozen=True, kw_only=True):
    """Who calls.

    Attributes:
        alive: Whether the sign-in or the key is good.
        scopes: Of a key; None for a person.
        robot_id: Of a service account's key; other keys are the owner's.
    """

    name: str
    headers: dict[str, str]
    role: str = "viewer"
    alive: bool = True
    platform: bool = False
    scopes: frozenset[str] | None = None
    browser: bool = False
    actor: Actor | None = None
    robot_id: UUID | None = None

    def proves_itself(self, method: str) -> bool:
        """Whether a browser's change shows that it comes from our page."""
        return not self.browser or method in SAFE or "X-CSRF-Token" in self.headers


class Side(Struct, kw_only=True):
    """One of the organizations; `canary` is in the name of everything it has."""

    organization_id: UUID
    canary: str
    ids: dict[str, str] = {}
    people: dict[str, Principal] = {}

    @property
    def owner(self) -> Principal:
        """Who may do all."""
        return self.people["owner"]


class Site:
    """The application in this event loop, and a client of it."""

    def __init__(self, app: Litestar, services: Services, client: httpx.AsyncClient) -> None:
        self.app = app
        self.services = services
        self.client = client
        self._numbers = itertools.count()

    async def call(
        self, method: str, address: str, headers: dict[str, str], body: Any = None, **more: Any
    ) -> httpx.Response:
        """One request, without what earlier ones left in the client."""
        place = f"{BASE}{address}" if address.startswith("/") else address  # alone, "//api" would name a host
        answer = await self.client.request(method, place, headers=headers, json=body, **more)
        self.client.cookies.clear()
        return answer

    def unique(self, side: Side) -> str:
        """A name that was not used yet."""
        return f"{side.canary} {next(self._numbers)}"

    async def person(self, side: Side, role: str, *, name: str = "", platform: bool = False) -> Principal:
        """A member, signed in as a program."""
        async with self.services.database.transaction() as session:
            email = f"{side.canary}.{next(self._numbers)}@example.org"
            user = await accounts.create_user(session, email=email, password=PASSWORD, full_name=side.canary)
            user.is_platform_admin = platform
            await set_tenant(session, side.organization_id)
            member = await accounts.add_member(session, side.organization_id, user.id, role)
            made = await sign_in.open_session(session, self.services.signer, user, member, kind="program")
        headers = {"Authorization": f"Bearer {made.access_token}"}
        return Principal(name=name or role, role=role, headers=headers, actor=made.actor, platform=platform)

    async def browser(self, side: Side, who: Principal, *, proof: bool) -> Principal:
        """The same person in a browser."""
        made = await self._signed_in(side, who, "browser")
        headers = {"Cookie": f"headrace_session={made.token}"}
        if proof:
            headers |= {"X-CSRF-Token": self.services.csrf_token(made.actor.session_id), "Origin": BASE}
        return Principal(
            name=f"{who.name} in a browser{'' if proof else ' without proof'}", role=who.role, headers=headers,
            browser=True, actor=made.actor,
        )  # fmt: skip

    async def again(self, side: Side, who: Principal) -> Principal:
        """The same person, signed in once more."""
        made = await self._signed_in(side, who, "program")
        return Principal(name=who.name, role=who.role, headers={"Authorization": f"Bearer {made.access_token}"},
                         actor=made.actor, platform=who.platform)  # fmt: skip

    async def key(
        self, side: Side, owner: Actor, permissions: frozenset[str], *, name: str, user_id: UUID | None = None,
        role: str | None = None,
    ) -> Principal:  # fmt: skip
        """An API key of somebody."""
        async with self.services.database.transaction(side.organization_id, user_id=owner.user_id) as session:
            made = await api_keys.create(session, owner, name=side.canary, permissions=permissions, user_id=user_id)
        return Principal(name=name, role=role or owner.role, headers={"X-API-Key": made.text}, scopes=permissions,
                         robot_id=user_id)  # fmt: skip

    async def _signed_in(self, side: Side, who: Principal, kind: Any) -> sign_in.SignedIn:
        if who.actor is None:
            raise ValueError(f"{who.name} is nobody")
        async with self.services.database.transaction(side.organization_id) as session:
            found = await accounts.member_and_user(session, side.organization_id, who.actor.user_id)
            return await sign_in.open_session(session, self.services.signer, *found, kind=kind)


@asynccontextmanager
async def open_site(settings: Settings, host: Host) -> AsyncIterator[Site]:
    """The application on real services."""
    async with serving(settings, host) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Site(app, app.state.services, client)


async def people_of(site: Site, side: Side) -> dict[str, Principal]:
    """Everybody, by name."""
    found = [await site.person(side, role) for role in ("viewer", "operator", "editor", "admin", "owner")]
    by = {one.name: one for one in found}
    owner = by["owner"].actor
    found.append(await site.person(side, "viewer", name="platform admin", platform=True))
    found += [await site.browser(side, await site.person(side, "editor"), proof=proof) for proof in (True, False)]
    found.append(await site.key(side, owner, PERMISSIONS["owner"] - PLATFORM, name="wide key"))
    found.append(await site.key(side, owner, NARROW, name="narrow key"))
    async with site.services.database.transaction(side.organization_id, user_id=owner.user_id) as session:
        robot, _ = await service_accounts.create(session, owner, name=side.canary, role="editor")
    found.append(
        await site.key(side, owner, PERMISSIONS["editor"], name="service account", user_id=robot.id, role="editor")
    )
    return {one.name: one for one in [*found, *await _dead(site, side)]}


async def _dead(site: Site, side: Side) -> list[Principal]:
    """Those who are not, or not any more."""
    early = now() - timedelta(hours=2)
    with clock(lambda: early):
        expired = await site.person(side, "owner")
    revoked, gone, other = [await site.person(side, "owner") for _ in range(3)]
    key = await site.key(side, other.actor, NARROW, name="")
    async with site.services.database.transaction(side.organization_id) as session:
        (await session.get_one(SignIn, (side.organization_id, revoked.actor.session_id))).revoked_at = now()
        (await accounts.get_member(session, side.organization_id, gone.actor.user_id)).is_active = False
        (await session.scalars(sa.select(ApiKey).where(ApiKey.user_id == other.actor.user_id))).one().expires_at = early
    dead = {
        "a stranger": {}, "an expired token": expired.headers, "a revoked token": revoked.headers,
        "a former member": gone.headers, "an expired key": key.headers,
        "a forged token": {"Authorization": _forged(other.headers["Authorization"])},
    }  # fmt: skip
    return [Principal(name=name, headers=headers, role="owner", alive=False) for name, headers in dead.items()]


def _forged(bearer: str) -> str:
    """A good token with another signature."""
    stem, _, signature = bearer.rpartition(".")
    return f"{stem}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
