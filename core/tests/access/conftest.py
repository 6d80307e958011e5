"""An organization with one of each object, for tests of who reaches what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.access import grants
from headrace.accounts import service
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.infra.database import Database
from headrace.infra.ids import new_id

HOMES = {
    "w1": ("workspace", ()), "w2": ("workspace", ()),
    "a": ("folder", ("w1",)), "b": ("folder", ("a", "w1")), "c": ("folder", ("w2",)),
    "f1": ("flow", ("w1", "j1", "p1")), "f2": ("flow", ("a", "w1")), "f3": ("flow", ("b", "a", "w1", "j1", "p1")),
    "f4": ("flow", ("w2",)), "f5": ("flow", ("c", "w2")),
    "j1": ("job", ("w2", "p1")), "p1": ("job_package", ("w1",)),
    "k1": ("connection", ()), "k2": ("connection", ("w1",)), "k3": ("connection", ("w2",)),
}  # fmt: skip
"""Objects, and all that each lies in. The flow f1 and f3 are in the job j1, which is in the package p1."""
INSERTS = {
    "workspace": "insert into workspaces (organization_id, id, name) values (:o, :id, :n)",
    "folder": "insert into folders (organization_id, id, workspace_id, parent_id, name) values (:o, :id, :w, :f, :n)",
    "connection": "insert into connections (organization_id, id, workspace_id, name, connector, config) "
                  "values (:o, :id, :w, :n, 'local_files', '')",
    "flow": "with d as (insert into flow_data (organization_id, flow_id, definition) values (:o, :id, "
            "'{\"nodes\": [], \"edges\": []}')) "
            "insert into flows (organization_id, id, workspace_id, folder_id, name, kind, settings) "
            "values (:o, :id, :w, :f, :n, :k, cast(:s as jsonb))",
}  # fmt: skip


@dataclass
class World:
    """One organization with the objects of `HOMES`."""

    HOMES = HOMES
    INSERTS = INSERTS

    database: Database
    organization_id: UUID = field(default_factory=new_id)
    ids: dict[str, UUID] = field(default_factory=lambda: {name: new_id() for name in HOMES})
    users: dict[str, UUID] = field(default_factory=dict)

    async def build(self) -> World:
        members = {"j1": ["f1", "f3"], "p1": ["j1"]}
        async with self.database.transaction(self.organization_id) as session:
            values: dict[str, Any] = {"o": self.organization_id}
            await session.execute(sa.text("insert into organizations (id, name, slug) values (:o, 'One', :o)"), values)
            for name, (kind, inside) in HOMES.items():
                workspace = next((self.ids[one] for one in inside if HOMES[one][0] == "workspace"), None)
                folder = next((self.ids[one] for one in inside if HOMES[one][0] == "folder"), None)
                plan = {"job": {"members": [{"flow_id": str(self.ids[one])} for one in members.get(name, [])]}}
                row = {**values, "id": self.ids[name], "n": name, "w": workspace, "f": folder, "s": json.dumps(plan),
                       "k": kind if kind != "flow" else "automation"}  # fmt: skip
                await session.execute(sa.text(INSERTS.get(kind, INSERTS["flow"])), row)
            for name in ("u", "v", "boss"):
                user = await service.create_user(
                    session, email=f"{name}-{self.organization_id}@example.org", password=None
                )
                await service.add_member(
                    session, self.organization_id, user.id, "owner" if name == "boss" else "viewer"
                )
                self.users[name] = user.id
        return self

    def actor(self, name: str, *permissions: str, role: str = "") -> Actor:
        held = PERMISSIONS[role] if role else frozenset(permissions)
        return Actor(
            organization_id=self.organization_id, user_id=self.users[name], role=role or "mine", permissions=held
        )

    async def grant(self, session: Any, to: str, on: str, **more: Any) -> grants.Grant:
        boss = self.actor("boss", role="owner")
        who = {"user_id": self.users[to]} if to in self.users else {"group_id": more.pop("group")}
        kind = HOMES[on][0]
        return await grants.give(session, boss, object_type=kind, object_id=self.ids[on], **who, **more)

    def transaction(self) -> Any:
        return self.database.transaction(self.organization_id)


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).build()


@pytest.fixture
def world_type() -> type[World]:
    """For tests that make more than one."""
    return World
