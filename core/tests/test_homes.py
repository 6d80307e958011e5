"""An organization moves to a database of its own and back: every row, killed after each step, served at one place."""

from __future__ import annotations

import asyncio
import secrets

import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra.homes import Moving, url_at
from headrace.infra.ids import new_id
from headrace.infra.mirror import mirror
from headrace.infra.moving import Move, Mover
from headrace.infra.roles import drop_database
from headrace.sdk.errors import ConfigError, TransientError
from headrace.testing.branches import branches

FILL = (
    "insert into organizations (id, name, slug) values (:o, :n, :n)",
    "insert into users (id, email, password_hash) values (:u, :n || '@example.org', 'a hash')",
    "insert into memberships (organization_id, user_id, role) values (:o, :u, 'owner')",
    "insert into workspaces (organization_id, id, name) values (:o, :w, :n)",
    "insert into folders (organization_id, id, workspace_id, name) values (:o, :w, :w, :n)",
    (
        "insert into grants (organization_id, id, object_type, object_id, user_id, level) "
        "values (:o, :w, 'workspace', :w, :u, 'view')"
    ),
    "insert into data_keys (organization_id, version, wrapped) values (:o, 1, 'x')",
)
NAMES = sa.text("select name from workspaces order by name")
BEGIN = sa.text("insert into homes (id, place) values (:id, :place)")


async def made(database, name: str):
    """An organization with something in it."""
    organization = new_id()
    given = {"o": organization, "n": name, "w": new_id(), "u": new_id()}
    async with database.transaction(organization) as session:
        for statement in FILL:
            await session.execute(sa.text(statement), {key: given[key] for key in given if f":{key}" in statement})
    return organization


@pytest.fixture
def place(database_urls):
    name = f"own_{secrets.token_hex(6)}"
    yield name
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        drop_database(owner, name)


@pytest.fixture
def mover(database_urls):
    return Mover(database_urls.owner_url, branches())


def fetched(url: str, organization, statement: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        connection.execute("select set_config('app.organization_id', %s, true)", (str(organization),))
        return connection.execute(statement).fetchall()


async def moved(database, mover, organization, place) -> None:
    async with database.transaction() as session:
        await session.execute(BEGIN, {"id": organization, "place": place})
    await asyncio.to_thread(mover.carry_on_all)


async def test_there_and_back_with_every_row(database, database_urls, mover, place):
    mine, other = await made(database, "mine"), await made(database, "other")
    dry = mover.counts(mine)
    assert {name: dry[name] for name in ("workspaces", "folders", "grants", "flows")} == {
        "workspaces": 1, "folders": 1, "grants": 1, "flows": 0,
    }  # fmt: skip
    await moved(database, mover, mine, place)
    async with database.transaction(mine) as session:
        assert await session.scalar(sa.text("select current_database()")) == place
        assert list(await session.scalars(NAMES)) == ["mine"]
        await session.execute(sa.text("update workspaces set name = 'changed there'"))
    async with database.transaction(other) as session:
        assert await session.scalar(sa.text("select current_database()")) != place
        assert list(await session.scalars(NAMES)) == ["other"]
    own = url_at(database_urls.owner_url, place, ())
    assert fetched(database_urls.owner_url, mine, "select name from workspaces") == []
    assert fetched(own, other, "select name from workspaces") == []
    assert fetched(own, mine, "select email, password_hash from users") == [("mine@example.org", None)]
    async with database.transaction() as session:
        await session.execute(sa.text("update homes set goal = 'shared', step = 'freeze' where id = :id"), {"id": mine})
    await asyncio.to_thread(mover.carry_on_all)
    async with database.transaction(mine) as session:
        assert await session.scalar(sa.text("select current_database()")) != place
        assert list(await session.scalars(NAMES)) == ["changed there"]
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(own)
    assert {k: v for k, v in mover.counts(mine).items() if v} == {k: v for k, v in dry.items() if v}


@pytest.mark.parametrize("goal", ["own", "shared"])
async def test_a_mover_killed_in_any_step_is_followed_by_another(
    database, database_urls, mover, place, goal, monkeypatch
):
    """The step has done its work and dies before that is written down: the next one does it again."""
    mine = await made(database, "mine")
    if goal == "shared":
        await moved(database, mover, mine, place)
        begin = sa.text("update homes set goal = 'shared', step = 'freeze' where id = :id")
    else:
        begin = BEGIN
    async with database.transaction() as session:
        await session.execute(begin, {"id": mine, "place": place} if goal == "own" else {"id": mine})
    go_on, died = mover.go_on, set()

    def dies(move):
        after = go_on(move)
        if move.step not in died:
            died.add(move.step)
            raise KeyboardInterrupt
        return after

    monkeypatch.setattr(mover, "go_on", dies)
    for _ in range(10):
        try:
            await asyncio.to_thread(mover.carry_on_all)
            break
        except KeyboardInterrupt:
            continue
    assert len(died) == (7 if goal == "own" else 4)
    async with database.transaction(mine) as session:
        assert (await session.scalar(sa.text("select current_database()")) == place) == (goal == "own")
        assert list(await session.scalars(NAMES)) == ["mine"]
        assert await session.scalar(sa.text("select count(*) from grants")) == 1


@pytest.mark.parametrize("goal", ["own", "shared"])
async def test_what_cannot_be_copied_goes_on_where_it_is_until_it_can(
    database, database_urls, mover, place, goal, monkeypatch
):
    """A step fails half-way: nobody is locked out, the reason is there, and what changed meanwhile moves as well."""
    monkeypatch.setattr("headrace.infra.moving.AGAIN_S", 0.0)
    mine = await made(database, "mine")
    target = url_at(database_urls.owner_url, place, ())
    if goal == "own":
        for step in ("create", "migrate"):
            mover.go_on(Move(mine, place, "own", step))
    else:
        await moved(database, mover, mine, place)
        target = database_urls.owner_url
    with psycopg.connect(target, autocommit=True) as owner:
        owner.execute("alter table workspaces add constraint small check (length(name) < 3) not valid")
        if goal == "own":
            await moved(database, mover, mine, place)
        else:
            async with database.transaction() as session:
                await session.execute(sa.text("update homes set goal = 'shared', step = 'freeze'"))
            await asyncio.to_thread(mover.carry_on_all)
        async with database.transaction() as session:
            step, note = (await session.execute(sa.text("select step, note from homes"))).one()
        assert step == "freeze"
        assert note.startswith("the step 'copy' failed: ")
        async with database.transaction(mine) as session:
            await session.execute(sa.text("update workspaces set name = 'changed meanwhile'"))
            await session.execute(sa.text("delete from grants"))
        owner.execute("alter table workspaces drop constraint small")
    await asyncio.to_thread(mover.carry_on_all)
    async with database.transaction(mine) as session:
        assert (await session.scalar(sa.text("select current_database()")) == place) == (goal == "own")
        assert list(await session.scalars(NAMES)) == ["changed meanwhile"]
        assert await session.scalar(sa.text("select count(*) from grants")) == 0


async def test_a_copy_that_was_given_up_late_leaves_nothing_of_it(database, database_urls, mover, place, monkeypatch):
    """The copy is committed, and its mover fails after that: the organization went on, so all is copied anew."""
    monkeypatch.setattr("headrace.infra.moving.AGAIN_S", 0.0)
    mine = await made(database, "mine")
    copied = mover._steps["copy"]

    def late(move):
        copied(move)
        raise TransientError("too late")

    with monkeypatch.context() as patch:
        patch.setitem(mover._steps, "copy", late)
        await moved(database, mover, mine, place)
    async with database.transaction(mine) as session:
        await session.execute(sa.text("delete from grants"))
        await session.execute(sa.text("update workspaces set name = 'after'"))
        await session.execute(sa.text("update data_keys set wrapped = 'rewrapped'"))
    await asyncio.to_thread(mover.carry_on_all)
    async with database.transaction(mine) as session:
        assert await session.scalar(sa.text("select current_database()")) == place
        assert list(await session.scalars(NAMES)) == ["after"]
        assert await session.scalar(sa.text("select count(*) from grants")) == 0
        assert await session.scalar(sa.text("select wrapped from data_keys")) == "rewrapped"


async def test_nothing_changes_while_it_moves(database, database_urls, mover, place, monkeypatch):
    mine, other = await made(database, "mine"), await made(database, "other")
    copied = mover._steps["copy"]
    refused = []

    def look(move):
        async def write():
            for organization in (mine, other):
                async with database.transaction(organization) as session:
                    await session.execute(sa.text("update workspaces set name = name || '!'"))

        copied(move)
        try:
            asyncio.run_coroutine_threadsafe(write(), loop).result(20)
        except Moving as error:
            refused.append(error.message)

    loop = asyncio.get_running_loop()
    monkeypatch.setitem(mover._steps, "copy", look)
    began = database.transaction(mine)
    session = await began.__aenter__()
    await session.execute(sa.text("update workspaces set name = 'before'"))
    moving = asyncio.create_task(moved(database, mover, mine, place))

    async def waits():
        async with database.transaction() as looking:
            return await looking.scalar(sa.text("select state from homes where id = :id"), {"id": mine})

    async with asyncio.timeout(30):
        while await waits() != "moving":
            await asyncio.sleep(0.02)
    await began.__aexit__(None, None, None)
    await moving
    assert refused == ["the organization is being moved to another database; try again in a minute"]
    async with database.transaction(mine) as session:
        assert list(await session.scalars(NAMES)) == ["before"]


async def test_accounts_stay_and_are_copied(database, database_urls, mover, place):
    mine = await made(database, "mine")
    await moved(database, mover, mine, place)
    told = []

    async def mirrored(organization, where):
        told.append(where)
        await asyncio.to_thread(mirror, database_urls.app_url, url_at(database_urls.app_url, where, ()), organization)

    database.on_change = mirrored
    group = new_id()
    async with database.transaction(mine, here=True) as session:
        await session.execute(
            sa.text("insert into groups (organization_id, id, name) values (:o, :g, 'g')"), {"o": mine, "g": group}
        )
    assert told == [place]
    async with database.transaction(mine) as session:
        assert await session.scalar(sa.text("select current_database() || name from groups")) == f"{place}g"
        await session.execute(
            sa.text("insert into grants (organization_id, id, object_type, object_id, group_id, level) "
                    "select :o, :g, 'workspace', id, :g, 'view' from workspaces"), {"o": mine, "g": group},
        )  # fmt: skip
    async with database.transaction(mine, here=True) as session:
        await session.execute(sa.text("update memberships set removed_at = clock_timestamp(), is_active = false"))
        await session.execute(sa.text("delete from groups"))
    async with database.transaction(mine) as session:
        assert await session.scalar(sa.text("select count(*) from grants")) == 0
        assert await session.scalar(sa.text("select count(*) from groups")) == 0
        assert await session.scalar(sa.text("select is_active from memberships")) is False
    async with database.transaction(mine, here=True) as session:
        assert await session.scalar(sa.text("select count(*) from groups")) == 0
    assert len(told) == 2, "reading makes no copies"


async def test_an_unusable_place_is_noted_and_moves_nothing(database, database_urls):
    mine = await made(database, "mine")
    mover = Mover(database_urls.owner_url, branches(), servers=("127.0.0.1:1",))
    await moved(database, mover, mine, "far@127.0.0.1:1")
    async with database.transaction() as session:
        row = (await session.execute(sa.text("select state, step, note from homes"))).one()
    assert row[:2] == ("here", "create")
    assert "does not answer" in row[2]
    async with database.transaction(mine) as session:
        assert list(await session.scalars(NAMES)) == ["mine"]
    with pytest.raises(ConfigError, match="no place"):
        url_at("postgresql://x@127.0.0.1/y", "a;drop", ())


async def test_a_row_cannot_send_a_password_to_a_server_that_nobody_allowed(database, mover):
    """Roles of the application may write `homes`; where connections go is the operator's word."""
    mine, other = await made(database, "mine"), await made(database, "other")
    await moved(database, mover, mine, "theirs@127.0.0.1:1")
    async with database.transaction() as session:
        assert "HEADRACE_DATABASE_SERVERS" in await session.scalar(sa.text("select note from homes"))
        await session.execute(sa.text("update homes set state = 'there', step = 'done', note = ''"))
    with pytest.raises(TransientError, match="HEADRACE_DATABASE_SERVERS"):
        async with database.transaction(mine):
            pass
    assert await database.everywhere() == [database]
    async with database.transaction(other) as session:
        assert list(await session.scalars(NAMES)) == ["other"]
    async with database.transaction() as session:
        await session.execute(sa.text("delete from homes"))
    async with database.transaction(mine) as session:
        assert list(await session.scalars(NAMES)) == ["mine"]
