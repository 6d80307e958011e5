"""What nobody can gain: by giving, by roles, groups, moving, saving; what ends; whose organizations one sees."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from headrace.access import grants, references, resolve
from headrace.accounts import groups, organizations, rights, roles, service
from headrace.accounts.permissions import Actor
from headrace.flows import service as flows
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, Denied, NotFound
from headrace.workspaces import tree


async def test_nobody_gives_or_takes_more_than_they_have(world) -> None:
    async with world.transaction() as session:
        given = await world.grant(session, "u", "a", level="admin")
        lead, outside = world.actor("u"), {"object_type": "flow", "object_id": world.ids["f1"]}
        inside = {"object_type": "flow", "object_id": world.ids["f3"], "user_id": world.users["v"]}
        with pytest.raises(NotFound):
            await grants.give(session, lead, **outside, user_id=world.users["v"], level="view")
        for more in ({"role": "owner"}, {"level": "root"}, {"level": "view", "role": "viewer"}, {}):
            with pytest.raises((Denied, ConfigError)):
                await grants.give(session, lead, **inside, **more)
        made = await grants.give(session, lead, **inside, level="admin")
        with pytest.raises(Conflict, match="such a grant"):
            await grants.give(session, lead, **inside, level="admin")
        weak = world.actor("v", "grant:manage")
        with pytest.raises(Denied, match="more rights"):
            await grants.give(session, weak, object_type="flow", object_id=world.ids["f4"],
                              user_id=world.users["v"], level="edit")  # fmt: skip
        with pytest.raises(Denied, match="more rights"):
            await grants.take(session, weak, given.id)
        await grants.take(session, lead, made.id)
        with pytest.raises(NotFound):
            await grants.take(session, lead, made.id)
        with pytest.raises(Denied):
            await grants.list_(session, lead)
        rows, total = await grants.list_(session, lead, object_type="folder", object_id=world.ids["a"])
        assert (total, rows[0].id) == (1, given.id)


async def test_roles_of_ones_own(world) -> None:
    boss = world.actor("boss", role="owner")
    keeper = world.actor("u", "organization:manage_members", "flow:read")
    async with world.transaction() as session:
        made = await roles.create(session, keeper, name="Reader", permissions=["flow:read"])
        with pytest.raises(Denied, match="'flow:update'"):
            await roles.create(session, keeper, name="Writer", permissions=["flow:read", "flow:update"])
        with pytest.raises(ConfigError, match="no permission"):
            await roles.create(session, boss, name="Root", permissions=["system:manage"])
        for taken in ("reader", "Owner"):
            with pytest.raises(Conflict, match="choose another name"):
                await roles.create(session, boss, name=taken, permissions=[])
        with pytest.raises(Denied):
            await roles.update(session, keeper, made.id, {"permissions": ["flow:delete"]}, row_version=1)
        await service.set_role(session, boss, world.users["v"], str(made.id))
        assert (await rights.rights_of(session, world.organization_id, str(made.id))).name == "Reader"
        await roles.update(session, boss, made.id, {"permissions": ["flow:delete"]}, row_version=1)
        held = await rights.rights_of(session, world.organization_id, str(made.id))
        assert held.permissions == {"flow:delete"}
        with pytest.raises(Denied, match="'flow:delete'"):
            await roles.delete(session, keeper, made.id)
        with pytest.raises(Denied, match="more rights"):
            await service.set_role(session, keeper, world.users["v"], "viewer")
        with pytest.raises(Conflict, match="in use"):
            await roles.delete(session, boss, made.id)
        await service.set_role(session, boss, world.users["v"], "viewer")
        await roles.delete(session, boss, made.id)
        for unknown in (str(made.id), "root", ""):
            with pytest.raises(ConfigError, match="no role"):
                await service.set_role(session, boss, world.users["v"], unknown)


async def test_groups_give_what_they_are_granted_and_nobody_gains_by_joining(world) -> None:
    boss, keeper = world.actor("boss", role="owner"), world.actor("u", "organization:manage_members")
    async with world.transaction() as session:
        group = await groups.create(session, keeper, name="Night shift")
        await grants.add_to_group(session, keeper, group.id, world.users["v"])
        await world.grant(session, "a group", "w1", group=group.id, level="edit")
        assert await resolve.may(session, world.actor("v"), "flow:update", "flow", world.ids["f3"])
        for change in (grants.add_to_group, grants.remove_from_group):
            with pytest.raises(Denied, match="more rights"):
                await change(session, keeper, group.id, world.users["u"])
        with pytest.raises(Denied):
            await grants.delete_group(session, keeper, group.id)
        with pytest.raises(Conflict):
            await grants.add_to_group(session, boss, group.id, world.users["v"])
        await grants.remove_from_group(session, boss, group.id, world.users["v"])
        assert not await resolve.may(session, world.actor("v"), "flow:read", "flow", world.ids["f3"])
        await grants.delete_group(session, boss, group.id)
        assert (await grants.list_(session, boss))[1] == 0


async def test_moving_gives_nothing(world) -> None:
    async with world.transaction() as session:
        await world.grant(session, "u", "f1", level="edit")
        await world.grant(session, "u", "a", level="admin")
        mover = world.actor("u")
        with pytest.raises(Denied, match="more rights over the flow"):
            await tree.move_into(session, mover, "flow", world.ids["f1"], world.ids["w1"], world.ids["a"])
        with pytest.raises(NotFound):
            await tree.move_into(session, mover, "flow", world.ids["f1"], world.ids["w1"], None)
        await tree.move_into(session, mover, "flow", world.ids["f2"], world.ids["w1"], world.ids["b"])
        with pytest.raises(Denied, match="more rights over the flow"):
            await grants.refuse_gain(session, mover, "flow", world.ids["f1"], "folder", world.ids["b"])
        await world.grant(session, "v", "c", level="edit")
        with pytest.raises(NotFound):
            await tree.move_into(session, world.actor("v"), "folder", world.ids["c"], world.ids["w2"], world.ids["a"])


def canvas(**config: Any) -> dict[str, Any]:
    return {"nodes": [{"id": "n", "position": {"x": 0, "y": 0}, "data": {"nodeType": "x.y", "config": config}}],
            "edges": []}  # fmt: skip


async def test_saving_uses_only_what_the_person_may_use(world) -> None:
    boss, flow = world.actor("boss", role="owner"), world.ids["f2"]
    async with world.transaction() as session:
        await flows.put_data(session, boss, flow, canvas(connection="k3"), 1)
        await world.grant(session, "u", "f2", level="edit")
        await world.grant(session, "u", "k2", level="execute")
        await world.grant(session, "u", "k1", level="view")
        for workspace, twin in (("w1", new_id()), ("w2", new_id())):
            row = {"o": world.organization_id, "w": world.ids[workspace], "id": twin, "f": None, "n": "twin"}
            await session.execute(sa.text(world.INSERTS["flow"]), {**row, "k": "automation", "s": "{}"})
            world.ids[f"twin {workspace}"] = twin
        both = {"object_type": "flow", "object_id": world.ids["twin w2"], "user_id": world.users["u"]}
        await grants.give(session, boss, **both, level="edit")
    guest = world.actor("u")
    refused = [
        {"connection": "k1"}, {"connection": str(world.ids["k1"])}, {"over": [{"connection": "k1"}]},
        {"source": str(world.ids["k1"])}, {"connection": "{{ params.k }}"}, {"flow": "f4"},
        {"flow": str(world.ids["f4"])}, {"flow": "{{ params.f }}"}, {"anything": str(world.ids["f4"])},
        {"connection": "nowhere"}, {"flow": "twin"},
    ]  # fmt: skip
    for config in refused:
        async with world.transaction() as session:
            with pytest.raises(Denied) as caught:
                await flows.put_data(session, guest, flow, canvas(**config), 2)
            assert caught.value.details["permission"] in {"connection:query", "flow:execute"}, config
    async with world.transaction() as session:
        await references.refuse_new(session, guest, canvas(connection="k3"), canvas(connection="k3", rows=1))
        for config in (
            {"connection": "k2"},
            {"flow": "f2"},
            {"title": "k1"},
            {"connection": ""},
            {"flow": str(world.ids["twin w2"])},
            {"id": str(new_id())},
        ):
            await references.refuse_new(session, guest, None, canvas(**config))
        with pytest.raises(Denied, match="'k1'"):
            await references.refuse_new(session, world.actor("v", role="viewer"), None, canvas(connection="k1"))


async def test_who_goes_takes_nothing_along_and_the_last_owner_stays(world) -> None:
    boss = world.actor("boss", role="owner")
    async with world.transaction() as session:
        group = await groups.create(session, boss, name="Crew")
        await grants.add_to_group(session, boss, group.id, world.users["v"])
        await world.grant(session, "v", "w1", level="admin")
        await service.remove_member(session, boss, world.users["v"])
        await service.activate_member(session, boss, world.users["v"])
        assert not await resolve.may(session, world.actor("v"), "flow:read", "flow", world.ids["f1"])
        assert await groups.members(session, boss, group.id) == []
    for go in (service.leave, lambda s, a: service.remove_member(s, a, a.user_id),
               lambda s, a: service.set_role(s, a, a.user_id, "admin"),
               lambda s, a: service.deactivate_member(s, a, a.user_id)):  # fmt: skip
        async with world.transaction() as session:
            with pytest.raises(Conflict, match="last owner"):
                await go(session, boss)
    async with world.transaction() as session:
        await service.set_role(session, boss, world.users["u"], "owner")
        await service.leave(session, boss)
        assert await service.member_and_user(session, world.organization_id, boss.user_id) is None


async def test_two_last_owners_cannot_both_go(world) -> None:
    async with world.transaction() as session:
        await service.set_role(session, world.actor("boss", role="owner"), world.users["u"], "owner")

    async def go(name: str) -> bool:
        try:
            async with world.transaction() as session:
                await service.leave(session, world.actor(name, role="owner"))
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(go("boss"), go("u"))) == [False, True]


async def test_organizations_of_a_person_are_seen_by_that_person_only(database: Database, world_type) -> None:
    one, two = await world_type(database).build(), await world_type(database).build()
    async with one.transaction() as session:
        with pytest.raises(Denied, match="platform admin"):
            await organizations.create(session, one.actor("u", role="viewer"), name="Mine")
        chief = Actor(organization_id=one.organization_id, user_id=one.users["u"], is_platform_admin=True)
        third = await organizations.create(session, chief, name="Third")
        assert (await session.scalars(sa.text("select id from organizations"))).all() == [one.organization_id]
    async with database.transaction(user_id=one.users["u"]) as session:
        mine = await organizations.list_mine(session, one.users["u"])
        assert {row.id for row, _ in mine} == {one.organization_id, third.id}
    async with database.transaction(one.organization_id, user_id=one.users["u"]) as session:
        assert (await session.scalars(sa.text("select id from organizations"))).all() == [one.organization_id]
        boss = one.actor("boss", role="owner")
        with pytest.raises(NotFound):
            await organizations.update(session, boss, two.organization_id, {"name": "X"}, row_version=1)
        with pytest.raises(NotFound):
            await grants.give(session, boss, object_type="flow", object_id=two.ids["f1"],
                              user_id=one.users["u"], level="view")  # fmt: skip
        with pytest.raises(NotFound):
            await grants.give(session, boss, object_type="flow", object_id=one.ids["f1"],
                              user_id=two.users["u"], level="view")  # fmt: skip
