"""Workspaces and folders: names, cycles, depth, soft delete, versions."""

import asyncio
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.accounts.permissions import PERMISSIONS, Actor, system_actor
from headrace.flows import service as flows
from headrace.flows import trash
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, Denied, NotFound, PreconditionFailed
from headrace.workspaces import service, tree
from sqlalchemy.ext.asyncio import AsyncSession


@pytest.fixture
async def actor(database: Database) -> Actor:
    async with database.transaction() as session:
        return system_actor((await accounts.create_organization(session, name="Ünïted Öre / 1")).id)


@pytest.fixture
async def session(database: Database, actor: Actor):
    async with database.transaction(actor.organization_id) as opened:
        yield opened


@pytest.fixture
async def workspace_id(session: AsyncSession, actor: Actor) -> UUID:
    return (await service.create_workspace(session, actor, name="Demo")).id


async def test_an_organization_gets_a_plain_slug(session, actor) -> None:
    slug = (await accounts.get_organization(session, actor.organization_id)).slug
    assert slug.startswith("united-ore-1-")


async def test_live_names_are_unique_in_any_case(session, actor, workspace_id) -> None:
    with pytest.raises(Conflict, match="DEMO"):
        await service.create_workspace(session, actor, name=" DEMO ")
    await service.delete_workspace(session, actor, workspace_id)
    await service.create_workspace(session, actor, name="demo")
    with pytest.raises(Conflict):
        await service.restore_workspace(session, actor, workspace_id)


async def test_deleting_and_restoring_takes_the_tree_along(session, actor, workspace_id) -> None:
    top_id = (await tree.create_folder(session, actor, workspace_id, name="top")).id
    gone = await tree.create_folder(session, actor, workspace_id, name="gone before")
    await tree.create_folder(session, actor, workspace_id, name="in", parent_id=top_id)
    await tree.delete_folder(session, actor, gone.id)
    heard = []

    async def listen(session, actor, workspaces, folders, at) -> None:
        heard.append((workspaces, len(folders)))

    service.on_delete.append(listen)
    try:
        await service.delete_workspace(session, actor, workspace_id)
    finally:
        service.on_delete.remove(listen)
    assert heard == [([workspace_id], 2)]
    with pytest.raises(NotFound):
        await service.get_workspace(session, actor, workspace_id)
    with pytest.raises(NotFound):
        await tree.get_folder(session, actor, top_id)
    await service.restore_workspace(session, actor, workspace_id)
    assert [folder.name for folder in await tree.list_folders(session, actor, workspace_id)] == ["in", "top"]


async def test_flows_go_and_come_back_with_their_workspace(session, actor, workspace_id) -> None:
    folder = await tree.create_folder(session, actor, workspace_id, name="f")
    flow_ids = [
        (await flows.create(session, actor, workspace_id=workspace_id, name=name, folder_id=place)).id
        for name, place in (("top", None), ("inside", folder.id), ("gone", None))
    ]
    await flows.delete(session, actor, flow_ids[2])
    await service.delete_workspace(session, actor, workspace_id)
    for flow_id in flow_ids:
        with pytest.raises(NotFound):
            await flows.get(session, actor, flow_id)
    await service.restore_workspace(session, actor, workspace_id)
    assert await flows.count(session, actor.organization_id) == 2
    await tree.delete_folder(session, actor, folder.id)
    assert await flows.count(session, actor.organization_id) == 1


async def test_a_stale_version_changes_nothing(session, actor, workspace_id) -> None:
    changed = await service.update_workspace(session, actor, workspace_id, row_version=1, name="Demo 2")
    assert changed.row_version == 2
    with pytest.raises(PreconditionFailed) as caught:
        await service.update_workspace(session, actor, workspace_id, row_version=1, name="Demo 3")
    assert caught.value.details == {"row_version": 2}


async def test_two_writers_at_once_one_wins(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        workspace_id = (await service.create_workspace(session, actor, name="W")).id

    async def rename(name: str) -> bool:
        try:
            async with database.transaction(actor.organization_id) as session:
                await service.update_workspace(session, actor, workspace_id, row_version=1, name=name)
        except PreconditionFailed:
            return False
        return True

    assert sum(await asyncio.gather(*(rename(f"n{number}") for number in range(6)))) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "a\nb", "a\x00b"])
async def test_bad_names_are_refused(session, actor, workspace_id, name: str) -> None:
    with pytest.raises(ConfigError):
        await service.create_workspace(session, actor, name=name)
    with pytest.raises(ConfigError):
        await tree.create_folder(session, actor, workspace_id, name=name)


async def test_search_takes_signs_literally(session, actor, workspace_id) -> None:
    await service.create_workspace(session, actor, name="100% sure")
    found, total = await service.list_workspaces(session, actor, q="0%")
    assert ([one.name for one in found], total) == (["100% sure"], 1)


async def test_folders_move_without_cycles(session, actor, workspace_id) -> None:
    a = await tree.create_folder(session, actor, workspace_id, name="a")
    b = await tree.create_folder(session, actor, workspace_id, name="b", parent_id=a.id)
    c = await tree.create_folder(session, actor, workspace_id, name="c", parent_id=b.id)
    for target in (a.id, b.id, c.id):
        with pytest.raises(ConfigError, match="into itself"):
            await tree.move_folder(session, actor, a.id, row_version=1, parent_id=target)
    await tree.move_folder(session, actor, c.id, row_version=1, parent_id=None)
    await tree.move_folder(session, actor, a.id, row_version=1, parent_id=c.id)
    assert [folder.name for folder in await tree.path(session, actor, b.id)] == ["c", "a", "b"]


async def test_two_moves_at_once_close_no_circle(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        workspace = await service.create_workspace(session, actor, name="W")
        one = await tree.create_folder(session, actor, workspace.id, name="one")
        two = await tree.create_folder(session, actor, workspace.id, name="two")

    async def move(what: UUID, into: UUID) -> bool:
        try:
            async with database.transaction(actor.organization_id) as session:
                await tree.move_folder(session, actor, what, row_version=1, parent_id=into)
        except ConfigError:
            return False
        return True

    assert sorted(await asyncio.gather(move(one.id, two.id), move(two.id, one.id))) == [False, True]


async def test_names_are_unique_per_place(session, actor, workspace_id) -> None:
    a = await tree.create_folder(session, actor, workspace_id, name="a")
    inner = await tree.create_folder(session, actor, workspace_id, name="A", parent_id=a.id)
    with pytest.raises(Conflict):
        await tree.create_folder(session, actor, workspace_id, name="A")
    with pytest.raises(Conflict):
        await tree.move_folder(session, actor, inner.id, row_version=1, parent_id=None)


async def test_the_database_holds_root_names_unique_too(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        workspace = await service.create_workspace(session, actor, name="W")
    add = sa.text("insert into folders (organization_id, id, workspace_id, name) values (:o, :i, :w, :n)")
    with pytest.raises(Conflict):
        async with database.transaction(actor.organization_id) as session:
            for name in ("Same", "same"):
                await session.execute(add, {"o": actor.organization_id, "i": new_id(), "w": workspace.id, "n": name})


async def test_depth_is_limited_for_new_and_moved(session, actor, workspace_id) -> None:
    parent = None
    for number in range(tree.MAX_DEPTH):
        parent = (await tree.create_folder(session, actor, workspace_id, name=str(number), parent_id=parent)).id
    with pytest.raises(ConfigError, match="32 deep"):
        await tree.create_folder(session, actor, workspace_id, name="too deep", parent_id=parent)
    other = await tree.create_folder(session, actor, workspace_id, name="other")
    with pytest.raises(ConfigError, match="32 deep"):
        await tree.move_folder(session, actor, other.id, row_version=1, parent_id=parent)


async def test_a_folder_stays_in_its_workspace(session, actor, workspace_id) -> None:
    second = await service.create_workspace(session, actor, name="Second")
    there = await tree.create_folder(session, actor, second.id, name="there")
    with pytest.raises(NotFound):
        await tree.create_folder(session, actor, workspace_id, name="x", parent_id=there.id)


async def test_other_organizations_find_nothing(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        workspace = await service.create_workspace(session, actor, name="W")
    async with database.transaction() as session:
        other = system_actor((await accounts.create_organization(session, name="Other")).id)
    async with database.transaction(other.organization_id) as session:
        for attempt in (
            service.get_workspace(session, other, workspace.id),
            service.get_workspace(session, actor, workspace.id),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_roles_are_asked(session, actor, workspace_id) -> None:
    viewer = Actor(organization_id=actor.organization_id, role="viewer", permissions=PERMISSIONS["viewer"])
    assert await service.get_workspace(session, viewer, workspace_id)
    for attempt in (
        service.create_workspace(session, viewer, name="x"), service.delete_workspace(session, viewer, workspace_id),
        tree.create_folder(session, viewer, workspace_id, name="x"),
    ):  # fmt: skip
        with pytest.raises(Denied):
            await attempt


async def test_the_trash_lists_what_can_come_back_and_a_folder_brings_its_flows(session, actor, workspace_id) -> None:
    async def listed() -> list[tuple[str, str, int]]:
        rows, total = await trash.list_(session, actor)
        assert total == len(rows)
        return [(one.kind, one.name, one.flows) for one in rows]

    top = (await tree.create_folder(session, actor, workspace_id, name="top")).id
    below = (await tree.create_folder(session, actor, workspace_id, name="below", parent_id=top)).id
    kept = (await flows.create(session, actor, workspace_id=workspace_id, name="alone")).id
    early = (await flows.create(session, actor, workspace_id=workspace_id, name="early", folder_id=below)).id
    late = (await flows.create(session, actor, workspace_id=workspace_id, name="late", folder_id=below)).id
    assert await listed() == []
    await flows.delete(session, actor, kept)
    await flows.delete(session, actor, early)
    assert sorted(await listed()) == [("automation", "alone", 0), ("automation", "early", 0)]
    await tree.delete_folder(session, actor, top)
    assert await listed() == [("folder", "top", 1), ("automation", "alone", 0)], "what went with it is not named again"
    with pytest.raises(NotFound, match="folder"):
        await flows.restore(session, actor, early)
    with pytest.raises(NotFound):
        await tree.restore_folder(session, actor, below)

    back = await tree.restore_folder(session, actor, top)
    assert back.deleted_at is None
    session.expire_all()
    assert (await flows.get(session, actor, late)).name == "late"
    assert (await tree.get_folder(session, actor, below)).name == "below"
    assert sorted(await listed()) == [("automation", "alone", 0), ("automation", "early", 0)], "deleted before it"
    await flows.restore(session, actor, early)

    await tree.delete_folder(session, actor, top)
    await tree.create_folder(session, actor, workspace_id, name="TOP")
    with pytest.raises(Conflict, match="top"):
        await tree.restore_folder(session, actor, top)
    await service.delete_workspace(session, actor, workspace_id)
    assert await listed() == [("workspace", "Demo", 0)]
    await service.restore_workspace(session, actor, workspace_id)
    session.expire_all()
    assert {name for _, name, _ in await listed()} == {"top", "alone"}


async def test_the_trash_of_others_is_not_listed(database, session, actor, workspace_id) -> None:
    flow = await flows.create(session, actor, workspace_id=workspace_id, name="ours")
    await flows.delete(session, actor, flow.id)
    async with database.transaction() as plain:
        other = system_actor((await accounts.create_organization(plain, name="Others")).id)
    async with database.transaction(other.organization_id) as theirs:
        assert await trash.list_(theirs, other) == ([], 0)
