"""Who reaches what: SQL against a plain model of the five layers; one query for ten thousand; expiry."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from headrace.access import resolve
from headrace.access.levels import GRANTABLE
from headrace.accounts import groups
from headrace.accounts.models import Role
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.connections.models import Connection
from headrace.flows import service as flows
from headrace.flows.models import Flow
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Denied, NotFound
from headrace.workspaces.models import Folder, Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LISTS = {"workspace": Workspace.id, "folder": Folder.id, "flow": Flow.id, "connection": Connection.id}
ASKED = ["flow:read", "flow:update", "flow:execute", "flow:delete", "connection:read", "connection:query",
         "workspace:read", "folder:read", "folder:create", "grant:manage", "organization:manage_members",
         "audit:read"]  # fmt: skip
LEVELS = {
    "view": PERMISSIONS["viewer"], "execute": PERMISSIONS["operator"] | {"connection:query", "connection:test"},
    "edit": PERMISSIONS["editor"], "admin": PERMISSIONS["admin"],
}  # fmt: skip
NEVER = {"organization:manage_members", "audit:read"}
"""Of the organization, and of no object."""
GRANT = sa.text("""
insert into grants (organization_id, id, object_type, object_id, user_id, group_id, level, role, expires_at)
values (:o, :id, :kind, :object, :user, :group, :level, :role, :expires) on conflict do nothing
""")
EMPTY = ["delete from grants", "delete from group_members", "delete from groups", "delete from roles"]


def cases_of(homes: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Grants, groups, roles and scopes as they come."""
    names = st.sampled_from(sorted(homes))
    permission_sets = st.frozensets(st.sampled_from(ASKED), max_size=4)
    gifts = st.fixed_dictionaries({
        "on": names, "to": st.sampled_from(["u", "v", "g1", "g2"]), "ends": st.sampled_from(["never", "past", "later"]),
        "gives": st.sampled_from([*LEVELS, "viewer", "operator", "editor", "admin", "own1", "own2"]),
    })  # fmt: skip
    several = st.lists(gifts, max_size=6, unique_by=lambda one: (one["on"], one["to"], one["gives"]))
    return st.fixed_dictionaries({
        "gifts": several, "in": st.frozensets(st.sampled_from(["g1", "g2"])),
        "own": st.tuples(permission_sets, permission_sets), "scopes": st.none() | st.frozensets(st.sampled_from(ASKED)),
        "role": st.sampled_from(["none", "none", "none", "viewer", "operator", "editor", "own1", "owner"]),
    })  # fmt: skip


def allowed(case: dict[str, Any], permission: str, name: str, homes: dict[str, Any]) -> set[str]:
    """The layers that allow it, in plain Python."""
    own = dict(zip(("own1", "own2"), case["own"], strict=True))
    everything = {**PERMISSIONS, **LEVELS, **own, "none": frozenset()}
    layers = set()
    if case["scopes"] is not None and permission not in case["scopes"]:
        return layers
    if permission in everything[case["role"]]:
        layers.add("owner" if case["role"] == "owner" else "role")
    for gift in case["gifts"]:
        mine = gift["to"] == "u" or gift["to"] in case["in"]
        if not mine or gift["ends"] == "past" or permission in NEVER or permission not in everything[gift["gives"]]:
            continue
        if gift["on"] == name:
            layers.add("user" if gift["to"] == "u" else "group")
        elif gift["on"] in homes[name][1]:
            layers.add("inherited")
    return layers


async def arrange(session: Any, world: Any, case: dict[str, Any]) -> Actor:
    """Put the grants of a case in place, past ones too."""
    for statement in EMPTY:
        await session.execute(sa.text(statement))
    ids = {name: new_id() for name in ("g1", "g2", "own1", "own2")}
    for name in ("g1", "g2"):
        session.add(groups.Group(organization_id=world.organization_id, id=ids[name], name=name))
    for name, held in zip(("own1", "own2"), case["own"], strict=True):
        session.add(Role(organization_id=world.organization_id, id=ids[name], name=name, permissions=sorted(held)))
    await session.flush()
    for name in case["in"]:
        session.add(groups.GroupMember(
            organization_id=world.organization_id, group_id=ids[name], user_id=world.users["u"]
        ))  # fmt: skip
    await session.flush()
    ends = {"never": None, "past": now() - timedelta(seconds=1), "later": now() + timedelta(hours=1)}
    for gift in case["gifts"]:
        what = {"level": gift["gives"], "role": None}
        if gift["gives"] not in LEVELS:
            what = {"level": None, "role": str(ids.get(gift["gives"], gift["gives"]))}
        await session.execute(GRANT, {
            "o": world.organization_id, "id": new_id(), "kind": world.HOMES[gift["on"]][0],
            "object": world.ids[gift["on"]],
            "user": world.users.get(gift["to"]), "group": ids.get(gift["to"]), "expires": ends[gift["ends"]], **what,
        })  # fmt: skip
    role = case["role"]
    held = dict(zip(("own1", "own2"), case["own"], strict=True)).get(role, PERMISSIONS.get(role, frozenset()))
    scopes = case["scopes"]
    return Actor(
        organization_id=world.organization_id, user_id=world.users["u"], role=role, scopes=scopes,
        permissions=held if scopes is None else held & scopes,
    )  # fmt: skip


async def compare(world: Any, case: dict[str, Any]) -> None:
    async with world.transaction() as session:
        actor = await arrange(session, world, case)
        for permission in ASKED:
            expected = {name: allowed(case, permission, name, world.HOMES) for name in world.HOMES}
            for kind, column in LISTS.items():
                found = await session.scalars(sa.select(column).where(resolve.reached(actor, permission, kind, column)))
                mine = {name for name, (k, _) in world.HOMES.items() if (k if k in LISTS else "flow") == kind}
                assert set(found) == {world.ids[name] for name in mine if expected[name]}, (permission, kind)
        for name, (kind, _) in world.HOMES.items():
            permission = ASKED[len(name) + sum(map(ord, name)) % (len(ASKED) - 2)]
            layers = allowed(case, permission, name, world.HOMES)
            assert await resolve.may(session, actor, permission, kind, world.ids[name]) == bool(layers)
            answer = await resolve.explain(session, actor, permission, kind, world.ids[name])
            first = next((one for one in resolve.LAYERS.values() if one in layers), None)
            assert (answer.allowed, answer.layer) == (bool(layers), first), (permission, name, answer)


@pytest.mark.parametrize("examples", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_sql_and_the_plain_model_agree(database_urls, world_type, record_property, examples: int) -> None:
    with asyncio.Runner() as runner:
        database = Database.from_url(database_urls.app_url)
        world = runner.run(world_type(database).build())

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(cases_of(world.HOMES))
        def agree(case: dict[str, Any]) -> None:
            runner.run(compare(world, case))

        try:
            agree()
        finally:
            runner.run(database.close())
    record_property("security: access, examples on which SQL and a plain model agree", examples)


def test_the_model_tells_layers_apart(world_type) -> None:
    case = {"gifts": [{"on": "w1", "to": "u", "ends": "never", "gives": "view"}], "in": frozenset(),
            "own": (frozenset(), frozenset()), "scopes": None, "role": "none"}  # fmt: skip
    assert allowed(case, "flow:read", "f3", world_type.HOMES) == {"inherited"}
    assert allowed(case, "flow:update", "f3", world_type.HOMES) == set()
    assert allowed(case, "flow:read", "f4", world_type.HOMES) == set()
    assert NEVER.isdisjoint(GRANTABLE)


async def test_ten_thousand_flows_cost_one_query(world) -> None:
    async with world.transaction() as session:
        many = sa.text("insert into flows (organization_id, id, workspace_id, folder_id, name) "
                       "select :o, gen_random_uuid(), :w, case when n % 2 = 0 then cast(:f as uuid) end, 'n' || n "
                       "from generate_series(1, 10000) n")  # fmt: skip
        await session.execute(many, {"o": world.organization_id, "w": world.ids["w1"], "f": world.ids["b"]})
        await world.grant(session, "u", "a", level="view")
    said: list[str] = []

    @sa.event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_):
        said.append(statement)

    seen = {}
    for who, actor in {"owner": world.actor("boss", role="owner"), "guest": world.actor("u")}.items():
        said.clear()
        async with world.transaction() as session:
            rows, total = await flows.list_(session, actor, limit=10_000)
        seen[who] = (len(rows), total, len(said))
    assert seen["guest"][:2] == (5_002, 5_002), "those of the folder and of the folder in it"
    assert seen["owner"][1] == 10_005
    assert seen["guest"][2] == seen["owner"][2] == 3, "the organization is set, they are counted, and listed"


async def test_an_expired_grant_ends_by_the_clock_of_the_database(world) -> None:
    guest, flow = world.actor("u"), world.ids["f2"]
    async with world.transaction() as session:
        given = await world.grant(session, "u", "f2", level="edit", expires_at=now() + timedelta(hours=1))
        with pytest.raises(ConfigError, match="in the future"):
            await world.grant(session, "v", "f2", level="edit", expires_at=now() - timedelta(seconds=1))
    async with world.transaction() as session:
        assert await resolve.may(session, guest, "flow:update", "flow", flow)
        over = sa.text("update grants set expires_at = clock_timestamp() where id = :id returning id")
        assert await session.scalar(over, {"id": given.id})
        assert not await resolve.may(session, guest, "flow:update", "flow", flow), "in the same transaction even"
        assert (await resolve.explain(session, guest, "flow:update", "flow", flow)).layer is None


async def test_what_one_may_not_know_of_is_not_there(world) -> None:
    guest, viewer = world.actor("u"), world.actor("v", role="viewer")
    async with world.transaction() as session:
        await world.grant(session, "u", "f2", level="view")
        with pytest.raises(Denied) as refused:
            await resolve.reach(session, guest, "flow:update", "flow", world.ids["f2"])
        assert refused.value.details["permission"] == "flow:update"
        said = []
        for id_ in (world.ids["f1"], new_id()):
            with pytest.raises(NotFound) as missing:
                await resolve.reach(session, guest, "flow:read", "flow", id_)
            said.append((missing.value.message, missing.value.details))
        assert said[0] == said[1]
        with pytest.raises(Denied, match="'flow:update'"):
            await resolve.reach(session, viewer, "flow:update", "flow", new_id())
        with pytest.raises(ValueError, match="no permission"):
            await resolve.reach(session, guest, "flow:fly", "flow", world.ids["f2"])
