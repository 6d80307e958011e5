"""An organization whose plan is opened and closed, and calls of operations that would make one more of something."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.entitlements import counts
from headrace.infra.settings import Settings
from msgspec import Struct

from tests.tenancy.matrix import Cell, Judge
from tests.tenancy.operations import Document, Operation
from tests.tenancy.oracle import least
from tests.tenancy.things import API, make, side_of
from tests.tenancy.world import PASSWORD, Side, Site

OVERRIDE = sa.text("""
INSERT INTO feature_overrides (organization_id, kind, key, enabled, value) VALUES (:o, :kind, :key, :enabled, :value)
""")
AGAIN: dict[str, dict[str, Any]] = {
    "executions_retry_execution": {"from": "start"},
    "executions_retry_executions": {"from": "start"},
    "accounts_update_member": {"is_active": True},
    "identity_providers_create_provider": {"provider": "proxy", "config": {"trusted": ["192.0.2.1"]}},
}
"""What a body says beside what its schema wants, so that the operation makes something."""


class Call(Struct, frozen=True):
    """A request that is ready to be sent."""

    operation: str
    who: str
    method: str
    address: str
    headers: dict[str, str]
    body: Any


class House:
    """One organization on the site, without limits until `close`."""

    def __init__(self, site: Site, settings: Settings, document: Document, side: Side) -> None:
        self.site, self.settings, self.document, self.side = site, settings, document, side
        self._judge = Judge(site, document, side, side)

    async def counted(self) -> dict[str, int]:
        """How much there is of everything that a plan limits; people who are invited count, as they are promised."""
        async with self.site.services.database.transaction(self.side.organization_id) as session:
            found = {key: await counts.used(session, key, self.side.organization_id) for key in counts.COUNTED}
            found["users"] += await counts.promised(session, self.side.organization_id)
        return found

    async def close(self, kind: str, key: str) -> None:
        """No more of a limit's things, or no such feature, whatever the plan says."""
        said = {"enabled": False, "value": None} if kind == "feature" else {"enabled": None, "value": 0}
        await self.do(OVERRIDE, {"o": self.side.organization_id, "kind": kind, "key": key, **said})

    async def open(self) -> None:
        """As the plan says again: everything, without limits."""
        await self.do(sa.text("DELETE FROM feature_overrides"), {})

    async def do(self, statement: sa.TextClause, values: dict[str, Any]) -> None:
        """A statement as the organization."""
        async with self.site.services.database.transaction(self.side.organization_id) as session:
            await session.execute(statement, values)

    async def calls(self, operation: Operation) -> list[Call]:
        """The operation by everybody who may, each with things of its own."""
        level = least(operation)
        who = {"platform": ["platform admin"], "person": ["viewer"]}.get(level, ["owner", "wide key"])
        return [await self._call(operation, name) for name in (["a stranger"] if level == "public" else who)]

    async def _call(self, operation: Operation, who: str) -> Call:
        cell = Cell(operation, who, "own")
        ids = await self._judge.ids(cell, changing=True)
        address, body = operation.address(ids), self.document.body_of(operation)
        if operation.id in {"hooks_call", "invitations_accept"}:
            address, body = await self._of_strangers(operation.id, address)
        if operation.id == "templates_use_template":
            body = {"name": ""}
        if operation.id == "executions_retry_executions":
            body = {"ids": [await make(self.site, self.side, "execution_id")]}
        if isinstance(body, dict):
            body = {**body, **self._unique(body), **AGAIN.get(operation.id, {})}
        if operation.id == "accounts_update_member":
            address = address.replace(ids["user_id"], await self._inactive())
        return Call(operation.id, who, operation.method, address, self.side.people[who].headers, body)

    def _unique(self, body: dict[str, Any]) -> dict[str, Any]:
        """Names and addresses that nothing has yet."""
        name = self.site.unique(self.side)
        other = {"name": name, "key": re.sub(r"\W", "_", name), "text": f"headrace: 1\nname: {name}\n",
                 "email": f"{name.replace(' ', '.')}@example.org"}  # fmt: skip
        return {field: other[field] for field in body.keys() & other.keys()}

    async def _of_strangers(self, operation: str, address: str) -> tuple[str, Any]:
        owner = self.side.owner.headers
        if operation == "hooks_call":
            made = await make(self.site, self.side, "webhook_id")
            shown = await self.site.call("GET", f"{API}/webhooks/{made}", owner)
            return "/hooks/" + shown.json()["data"]["url"].partition("/hooks/")[2], {"told": "x"}
        email = f"{self.site.unique(self.side).replace(' ', '.')}@example.org"
        made = await self.site.call("POST", f"{API}/invitations", owner, {"email": email})
        token = made.json()["data"]["link"].partition("#")[2]
        return address, {"token": token, "password": PASSWORD, "full_name": "G"}

    async def _inactive(self) -> str:
        made = await make(self.site, self.side, "user_id")
        await self.do(sa.text("UPDATE memberships SET is_active = false WHERE user_id = :id"), {"id": UUID(made)})
        return made

    async def send(self, call: Call) -> Any:
        """The answer to a call."""
        return await self.site.call(call.method, call.address, call.headers, call.body)


async def housed(site: Site, settings: Settings) -> House:
    """An organization with one of everything."""
    return House(site, settings, Document(site.app), await side_of(site, "gated"))
