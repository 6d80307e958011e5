"""The unit of work: commit, roll back, tenant per transaction, errors without values."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.infra.database import Database, set_tenant, sqlalchemy_url
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, TransientError


async def add_organization(database: Database, slug: str = "") -> UUID:
    organization_id = new_id()
    async with database.transaction(organization_id) as session:
        await session.execute(
            sa.text("insert into organizations (id, name, slug) values (:id, 'One', :slug)"),
            {"id": organization_id, "slug": slug or str(organization_id)},
        )
    return organization_id


async def test_a_transaction_commits_and_sees_its_organization_only(database: Database) -> None:
    one, two = await add_organization(database), await add_organization(database)
    async with database.transaction(one) as session:
        assert (await session.scalars(sa.text("select id from organizations"))).all() == [one]
    async with database.transaction() as session:
        assert (await session.scalars(sa.text("select id from organizations"))).all() == []
        await set_tenant(session, two)
        assert (await session.scalars(sa.text("select id from organizations"))).all() == [two]


async def test_the_tenant_does_not_survive_into_the_next_user_of_the_connection(database_urls) -> None:
    database = Database.from_url(database_urls.app_url, pool_size=1, max_overflow=0)
    try:
        await add_organization(database)
        async with database.transaction() as session:
            assert (await session.scalar(sa.text("select current_setting('app.organization_id', true)"))) in {"", None}
            assert (await session.scalars(sa.text("select id from organizations"))).all() == []
    finally:
        await database.close()


async def test_an_error_rolls_back(database: Database) -> None:
    organization_id = new_id()
    with pytest.raises(RuntimeError):
        async with database.transaction(organization_id) as session:
            await session.execute(
                sa.text("insert into organizations (id, name, slug) values (:id, 'x', 'x')"), {"id": organization_id}
            )
            raise RuntimeError
    async with database.transaction(organization_id) as session:
        assert await session.scalar(sa.text("select count(*) from organizations")) == 0


async def test_a_taken_name_is_a_conflict_that_shows_no_value(database: Database) -> None:
    await add_organization(database, "canary-7f3a")
    with pytest.raises(Conflict) as caught:
        await add_organization(database, "canary-7f3a")
    assert "canary" not in f"{caught.value.message} {caught.value.detail} {caught.value.details}"
    assert "canary" not in str(caught.value.__cause__).split("DETAIL")[0]


async def test_a_dead_server_is_transient() -> None:
    database = Database.from_url("postgresql://nobody:secret-canary@127.0.0.1:1/none")
    try:
        with pytest.raises(TransientError) as caught:
            async with database.transaction() as session:
                await session.execute(sa.text("select 1"))
        assert "secret-canary" not in repr(caught.value.__cause__)
    finally:
        await database.close()


def test_only_postgresql_urls() -> None:
    with pytest.raises(ConfigError, match="sqlite"):
        sqlalchemy_url("sqlite:///x")
    with pytest.raises(ConfigError, match="cannot be read"):
        sqlalchemy_url("no url")


async def test_what_no_column_takes_is_the_caller_s_mistake(database: Database) -> None:
    for value, kind in (("a\x00b", "text"), (2**63, "integer")):
        with pytest.raises(ConfigError, match="cannot be stored"):
            async with database.transaction() as session:
                await session.execute(sa.text(f"select cast(:v as {kind})"), {"v": value})
