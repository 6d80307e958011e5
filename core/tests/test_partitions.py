"""Months of growing tables: made ahead, filled, closed to everybody but their table; the migration moves rows."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra import migrate, partitions
from headrace.infra.clock import clock, now
from headrace.infra.database import sqlalchemy_url
from headrace.infra.health import months_check, run_checks
from headrace.infra.ids import new_id

GROWING = ["execution_events", "execution_logs", "node_executions", "segment_attempts"]
"""By the id of the execution."""
BY_MONTHS = sorted([*GROWING, "trigger_ticks", "trigger_duplicates", "asset_updates", "event_deliveries"])


@pytest.fixture
def engine(database_urls):
    made = sa.create_engine(sqlalchemy_url(database_urls.owner_url), poolclass=sa.NullPool)
    yield made
    made.dispose()


def id_at(moment: datetime) -> UUID:
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (new_id().int & (2**80 - 1)))


def put(urls, *moments: datetime) -> UUID:
    """An execution with an event (of its trigger), a log line, a step and an attempt, at each of the moments."""
    organization, flow = new_id(), new_id()
    with psycopg.connect(urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(organization)])
        for statement in (
            "insert into organizations (id, name, slug) values (%(o)s, 'O', %(o)s)",
            "insert into workspaces (organization_id, id, name) values (%(o)s, %(f)s, 'W')",
            "insert into flows (organization_id, id, workspace_id, name) values (%(o)s, %(f)s, %(f)s, 'F')",
        ):
            app.execute(statement, {"o": organization, "f": flow})
        for moment in moments:
            given = {"o": organization, "f": flow, "e": id_at(moment)}
            for statement in (
                """insert into executions (organization_id, id, flow_id, definition_hash, segments_total, segments_open)
                values (%(o)s, %(e)s, %(f)s, '', 1, 1)""",
                """insert into segment_runs (organization_id, execution_id, segment_no, status, deps_open, node_ids,
                queue, spec) values (%(o)s, %(e)s, 0, 'waiting', 1, '[]', 'q', '{}')""",
                """insert into segment_attempts (organization_id, fence, execution_id, segment_no, attempt, worker_id)
                values (%(o)s, nextval('fence_seq'), %(e)s, 0, 1, %(e)s)""",
                """insert into node_executions (organization_id, execution_id, node_id, segment_no, status, attempt)
                values (%(o)s, %(e)s, 'a', 0, 'completed', 1)""",
                """insert into execution_logs (organization_id, execution_id, level, message)
                values (%(o)s, %(e)s, 'info', 'said')""",
            ):
                app.execute(statement, given)
    return organization


def seen(urls, organization: UUID) -> dict[str, list[str]]:
    """Partitions of the organization's rows, by table."""
    with psycopg.connect(urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(organization)])
        return {
            table: [name for (name,) in app.execute(f"select tableoid::regclass::text from {table} order by 1")]
            for table in GROWING
        }


def test_months_are_made_ahead_and_again_when_time_has_passed(engine):
    with engine.begin() as connection:
        assert [table.name for table in partitions.tables(connection)] == BY_MONTHS
        assert partitions.problems(connection) == []
        assert partitions.prepare(connection) == [], "migrating has made them"
    with clock(lambda: datetime.now(UTC) + timedelta(days=100)), engine.begin() as connection:
        assert len(partitions.problems(connection)) == len(BY_MONTHS)
        made = partitions.prepare(connection)
        assert partitions.partition("trigger_ticks", partitions.later(partitions.month_of(now()), 3)) in made
        assert partitions.problems(connection) == []


def test_the_first_id_of_a_month_parts_it_from_the_one_before():
    month = partitions.month_of(datetime(2026, 3, 1, tzinfo=UTC))
    first = datetime(2026, 3, 1, tzinfo=UTC)
    assert id_at(first - timedelta(milliseconds=1)) < partitions.first_id(month) < id_at(first)
    assert partitions.later(month, -3).isoformat() == "2025-12-01"
    assert partitions.later(month, 10).isoformat() == "2027-01-01"


async def test_a_row_of_no_month_is_told_of_and_moved_when_months_are_made(database_urls, engine, worker_database):
    old = datetime(2025, 2, 3, tzinfo=UTC)
    organization = put(database_urls, old, datetime.now(UTC))
    assert {names[-1] for names in seen(database_urls, organization).values()} == {f"{t}_default" for t in GROWING}
    [check] = await run_checks({"months": months_check(worker_database)})
    assert "execution_logs_default has rows of no month that there is" in check.message
    migrate.upgrade(database_urls.owner_url)
    assert seen(database_urls, organization) == {
        t: [f"{t}_2025_02", partitions.partition(t, partitions.month_of(now()))] for t in GROWING
    }
    [check] = await run_checks({"months": months_check(worker_database)})
    assert check.ok, check.message


def test_rows_of_an_impossible_time_stay_where_they_are_and_doctor_goes_on_telling(database_urls, engine):
    organization = put(database_urls, datetime(2900, 1, 1, tzinfo=UTC))
    migrate.upgrade(database_urls.owner_url)
    assert seen(database_urls, organization)["execution_events"] == ["execution_events_default"]
    with engine.begin() as connection:
        assert len(partitions.problems(connection)) == 4


@pytest.mark.parametrize("role", ["app_url", "worker_url"])
def test_a_partition_is_reached_through_its_table_only(database_urls, role):
    put(database_urls, datetime.now(UTC))
    with psycopg.connect(getattr(database_urls, role), autocommit=True) as connection:
        for table in BY_MONTHS:
            name = partitions.partition(table, partitions.month_of(now()))
            for statement in (f"select * from {name}", f"delete from {name}", f"drop table {name}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


def test_a_month_goes_whole_and_its_executions_stay(database_urls, engine):
    organization = put(database_urls, datetime.now(UTC))
    month = partitions.month_of(now())
    with engine.begin() as connection:
        partitions.drop(connection, "execution_logs", month)
        partitions.drop(connection, "execution_logs", month)
    rows = seen(database_urls, organization)
    assert (len(rows["execution_logs"]), len(rows["execution_events"])) == (0, 1)


def test_the_migration_moves_old_rows_into_their_months_and_back(database_urls):
    migrate.downgrade(database_urls.owner_url, "0008")
    organization = put(database_urls, datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert seen(database_urls, organization) == {t: [t, t] for t in GROWING}
    migrate.upgrade(database_urls.owner_url)
    assert seen(database_urls, organization) == {t: [f"{t}_2026_01", f"{t}_2026_02"] for t in GROWING}
    with psycopg.connect(database_urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(organization)])
        app.execute("insert into execution_logs (organization_id, execution_id, level, message) "
                    "select organization_id, id, 'info', 'later' from executions limit 1")  # fmt: skip
        lines = [text for (text,) in app.execute("select message from execution_logs order by id")]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            app.execute("insert into execution_events (organization_id, execution_id, seq, type, data) "
                        "values (%s, %s, 1, 'x', '{}')", [organization, new_id()])  # fmt: skip
    assert lines == ["said", "said", "later"], "numbers go on"
    migrate.downgrade(database_urls.owner_url, "0008")
    assert seen(database_urls, organization) == {t: [t, t] for t in GROWING}
