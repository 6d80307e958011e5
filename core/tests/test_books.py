"""Books by months: policy is data, a month goes by its partition, who keeps fewer days loses rows, queries prune."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import psycopg.sql
import psycopg.types.json
import pytest
from headrace.infra import migrate, partitions
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.worker.books import BOOKS
from headrace.worker.history import History
from headrace.worker.maintenance import Maintenance

ROWS = {
    "trigger_ticks": """insert into trigger_ticks (organization_id, trigger_id, fire_at, outcome, created_at)
        values (%(o)s, %(t)s, %(at)s, 'skipped', %(at)s)""",
    "trigger_duplicates": """insert into trigger_duplicates (organization_id, trigger_id, key, created_at)
        values (%(o)s, %(t)s, 'k', %(at)s)""",
    "asset_updates": """insert into asset_updates (organization_id, asset_id, number, execution_id, flow_id, node_id,
        created_at) values (%(o)s, %(t)s, extract(epoch from %(at)s::timestamptz), %(t)s, %(t)s, 'n', %(at)s)""",
    "event_deliveries": """insert into event_deliveries (organization_id, id, subscription_id, event_id, event, payload,
        status, created_at) values (%(o)s, gen_random_uuid(), %(t)s, %(t)s, 'e', '{}', %(status)s, %(at)s)""",
}


def organization(urls, **retention: int) -> UUID:
    """One with a trigger, an asset and a subscription of the same id as itself."""
    made = new_id()
    with psycopg.connect(urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(made)])
        for statement in (
            "insert into organizations (id, name, slug, settings) values (%(o)s, 'O', %(o)s, %(settings)s)",
            "insert into workspaces (organization_id, id, name) values (%(o)s, %(o)s, 'W')",
            "insert into flows (organization_id, id, workspace_id, name) values (%(o)s, %(o)s, %(o)s, 'F')",
            """insert into triggers (organization_id, id, flow_id, type, mode)
            values (%(o)s, %(o)s, %(o)s, 'manual', 'manual')""",
            """insert into connections (organization_id, id, name, connector, config)
            values (%(o)s, %(o)s, 'C', 'postgresql', '')""",
            """insert into assets (organization_id, id, connection_id, object) values (%(o)s, %(o)s, %(o)s, 'x')""",
            """insert into event_subscriptions (organization_id, id, url, events, secrets)
            values (%(o)s, %(o)s, 'https://x.example', '{flow.created}', '')""",
        ):
            app.execute(statement, {"o": made, "settings": psycopg.types.json.Json({"retention": retention})})
    return made


def write(urls, owner: UUID, *moments: datetime, status: str = "delivered") -> None:
    """A row of each book at each of the moments."""
    with psycopg.connect(urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(owner)])
        for moment in moments:
            for statement in ROWS.values():
                app.execute(statement, {"o": owner, "t": owner, "at": moment, "status": status})


def left(urls, owner: UUID) -> dict[str, list[str]]:
    """Days of what is left, by book, oldest first."""
    with psycopg.connect(urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(owner)])
        query = "select (created_at at time zone 'UTC')::date::text from {} order by 1"
        return {
            book.table: [
                day for (day,) in app.execute(psycopg.sql.SQL(query).format(psycopg.sql.Identifier(book.table)))
            ]
            for book in BOOKS
        }


@pytest.fixture
async def keeper(database_urls, worker_database, tmp_path):
    """Does what a scheduler does every hour."""
    owner = Database.from_url(database_urls.owner_url, pool_size=1)
    made = Maintenance(worker_database, Store((tmp_path / "o").as_uri()), history=History(owner, worker_database))

    async def hour():
        await made.keep_history()
        await made.forget()
        async with worker_database.transaction() as session:
            found = await (await session.connection()).run_sync(partitions.tables)
        return {table.name: table.months for table in found}

    yield hour
    await owner.close()


def end_of(moment: datetime) -> datetime:
    """Of its month."""
    return partitions.begin(partitions.later(partitions.month_of(moment)))


def day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


async def test_months_that_nobody_keeps_go_whole_and_rows_of_who_keeps_less_before(database_urls, keeper):
    this = partitions.begin(partitions.month_of(now()))
    usual, short = organization(database_urls), organization(
        database_urls, ticks_days=10, duplicates_days=10, assets_days=10, deliveries_days=10
    )  # fmt: skip
    moments = [this - timedelta(days=days) for days in (200, 140, 45, 2)] + [now() - timedelta(minutes=5)]
    for one in (usual, short):
        write(database_urls, one, *moments)
    migrate.upgrade(database_urls.owner_url)
    months = await keeper()
    for book in BOOKS:
        kept = [at for at in moments if now() < end_of(at) + timedelta(days=book.days)]
        assert left(database_urls, usual)[book.table] == [day(at) for at in kept]
        young = [at for at in moments if now() - at < timedelta(days=10)]
        assert left(database_urls, short)[book.table] == [day(at) for at in young]
        assert partitions.month_of(moments[0]) not in months[book.table], "a month goes by its partition"


async def test_a_delivery_that_waits_keeps_its_month(database_urls, keeper):
    one, old = organization(database_urls), now() - timedelta(days=200)
    write(database_urls, one, old, status="pending")
    migrate.upgrade(database_urls.owner_url)
    months = await keeper()
    assert left(database_urls, one) == {book.table: [day(old)] if book.open else [] for book in BOOKS}
    assert partitions.month_of(old) in months["event_deliveries"]


async def test_who_says_nothing_about_days_or_nonsense_keeps_the_usual(database_urls, keeper):
    odd = organization(database_urls, ticks_days="many", assets_days=None)  # type: ignore[arg-type]
    recent = now() - timedelta(days=25)
    write(database_urls, odd, recent)
    migrate.upgrade(database_urls.owner_url)
    await keeper()
    assert left(database_urls, odd) == {book.table: [day(recent)] for book in BOOKS}


async def test_where_nobody_may_drop_months_rows_go_all_the_same(database_urls, worker_database, tmp_path):
    usual = organization(database_urls)
    write(database_urls, usual, now() - timedelta(days=200), now())
    await Maintenance(worker_database, Store((tmp_path / "o").as_uri())).forget()
    assert left(database_urls, usual) == {book.table: [day(now())] for book in BOOKS}


def test_a_question_for_a_time_reads_the_partitions_of_that_time_only(database_urls):
    month = partitions.month_of(now())
    bounds = [psycopg.sql.Literal(partitions.begin(one)) for one in (month, partitions.later(month))]
    query = psycopg.sql.SQL("explain select * from {} where {key} >= {} and {key} < {}")
    with psycopg.connect(database_urls.owner_url) as owner:
        for book in BOOKS:
            key = psycopg.sql.Identifier("fire_at" if book.table == "trigger_ticks" else "created_at")
            asked = query.format(psycopg.sql.Identifier(book.table), *bounds, key=key)
            plan = "\n".join(line for (line,) in owner.execute(asked))
            assert partitions.partition(book.table, month) in plan
            assert partitions.partition(book.table, partitions.later(month)) not in plan
            assert f"{book.table}_default" not in plan


def test_the_migration_moves_old_rows_into_their_months_and_back(database_urls):
    migrate.downgrade(database_urls.owner_url, "0023")
    one = organization(database_urls)
    moments = [datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    write(database_urls, one, *moments)
    before = left(database_urls, one)
    migrate.upgrade(database_urls.owner_url)
    assert left(database_urls, one) == before == {book.table: ["2026-01-31", "2026-02-01"] for book in BOOKS}
    write(database_urls, one, datetime(2026, 2, 2, tzinfo=UTC))
    with psycopg.connect(database_urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(one)])
        query = "select id, tableoid::regclass::text from trigger_duplicates order by id"
        numbers = app.execute(query).fetchall()
    assert [number for number, _ in numbers] == sorted({number for number, _ in numbers}), "numbers go on"
    assert [name for _, name in numbers[:2]] == ["trigger_duplicates_2026_01", "trigger_duplicates_2026_02"]
    migrate.downgrade(database_urls.owner_url, "0023")
    assert [len(days) for days in left(database_urls, one).values()] == [3, 3, 3, 3]
