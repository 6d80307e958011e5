"""Requests that are let through and do something: each names things of its own."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct

from tests.tenancy.matrix import Cell, Judge
from tests.tenancy.operations import GHOST, Document, Operation, resource_of, with_id
from tests.tenancy.oracle import least
from tests.tenancy.things import API, make
from tests.tenancy.world import PASSWORD, Side, Site

AGAIN: dict[str, dict[str, Any]] = {
    "executions_retry_execution": {"from": "start"},
    "executions_retry_executions": {"from": "start"},
    "accounts_update_member": {"is_active": True},
    "files_create_file": {"name": "x.csv"},
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


class Requests:
    """Makes and sends them for one organization."""

    def __init__(self, site: Site, document: Document, side: Side) -> None:
        self.site, self.document, self.side = site, document, side
        self._judge = Judge(site, document, side, side)

    async def calls(self, operation: Operation) -> list[Call]:
        """The operation by everybody who may, each with things of its own."""
        level = least(operation)
        who = {"platform": ["platform admin"], "person": ["viewer"]}.get(level, ["owner", "wide key"])
        return [await self.call(operation, name) for name in (["a stranger"] if level == "public" else who)]

    async def call(self, operation: Operation, who: str) -> Call:
        """The operation by one of them."""
        cell = Cell(operation, who, "own")
        ids = await self._judge.ids(cell, changing=True)
        address, body = operation.address(ids), self.document.body_of(operation)
        if operation.id in {"hooks_call", "invitations_accept"}:
            address, body = await self._of_strangers(operation.id, address)
        if operation.id == "connections_create_mapping":
            address = address.replace(ids["connection_id"], await self._database())
        if operation.id == "templates_use_template":
            body = {"name": ""}
        if isinstance(body, dict):
            body = {**body, **self._unique(body), **AGAIN.get(operation.id, {})}
            body = await self._named(operation, body)
        if operation.id == "accounts_update_member":
            address = address.replace(ids["user_id"], await self._inactive())
        return Call(operation.id, who, operation.method, address, self.side.people[who].headers, body)

    async def _database(self) -> str:
        """A connection that takes SQL."""
        body = {"name": self.site.unique(self.side), "connector": "sqlite", "config": {"path": "t.db"}}
        made = await self.site.call("POST", f"{API}/connections", self.side.owner.headers, body)
        return str(made.json()["data"]["id"])

    async def _named(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
        """Ids of things that are there, where the body names any."""
        for place in self.document.references(operation):
            if place[0] != "?" and operation.body is not None and GHOST in _at(body, place):
                made = await make(self.site, self.side, resource_of(place))
                body = with_id(body, place, made, self.document, operation.body)
        return body

    def _unique(self, body: dict[str, Any]) -> dict[str, Any]:
        """Names and addresses that nothing has yet."""
        name = self.site.unique(self.side)
        other = {"name": name, "service_name": name, "key": re.sub(r"\W", "_", name),
                 "text": f"headrace: 1\nname: {name}\n", "email": f"{name.replace(' ', '.')}@example.org"}  # fmt: skip
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
        async with self.site.services.database.transaction(self.side.organization_id) as session:
            gone = sa.text("UPDATE memberships SET is_active = false WHERE user_id = :id")
            await session.execute(gone, {"id": UUID(made)})
        return made

    async def send(self, call: Call, **headers: str) -> Any:
        """The answer to a call."""
        return await self.site.call(call.method, call.address, {**call.headers, **headers}, call.body)


def _at(body: Any, place: tuple[str, ...]) -> list[Any]:
    """What stands at a place of the body."""
    if not place:
        return [body]
    if place[0] == "[]":
        return [found for one in body or () for found in _at(one, place[1:])] if isinstance(body, list) else []
    return _at(body.get(place[0]), place[1:]) if isinstance(body, dict) else []
