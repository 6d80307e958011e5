"""What is asked of the server for a narrowed read of types that compare in ways of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from headrace.sdk import Connector, HeadraceError, Secret
from headrace.sdk.narrowing import Comparison, Kept, Narrowing, compose
from headrace.testing.connector_narrow import kept, kept_of
from headrace.testing.services import as_role, fresh_database
from headrace_connector_postgresql import PostgresqlConfig
from headrace_connector_postgresql.connector import PostgresqlConnector

TABLE = """
create table odd (
  id smallint primary key, mood mood, padded char(5), loose text, u uuid, j jsonb, single real,
  exact numeric, at timestamp, zoned timestamptz, more text[]
)
"""
ROWS = """
insert into odd values
  (1, 'sad', 'a', 'Bern', gen_random_uuid(), '{"a": 1}', 0.1, 1.5, '2026-03-29 02:30', '2026-03-29 02:30+00', '{a}'),
  (-32768, 'happy', 'a    ', 'bern', null, '"x"', 'NaN', 0.000000001, 'infinity', 'infinity', null),
  (3, null, null, null, null, null, null, null, null, null, null)
"""


@pytest.fixture(scope="module")
def connector() -> Iterator[PostgresqlConnector]:
    with fresh_database(migrated=False) as admin:
        parts = urlsplit(as_role(admin, "demo"))
        made = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username}
        config = PostgresqlConfig(**made, password=Secret(parts.password or ""))
        with closing(PostgresqlConnector(config)) as connector:
            with connector.engine().begin() as db:
                db.execute(sa.text("create type mood as enum ('sad', 'happy')"))
                db.execute(sa.text(TABLE))
                db.exec_driver_sql(ROWS)
            yield connector


def rows(connector: Connector, name: str, columns: list[str]) -> list[dict]:
    return [row for frame in connector.read(connector.stream(name), columns=columns) for row in frame.to_dicts()]


@pytest.mark.parametrize("text", [
    "id > 100000", "id < -100000", "id = -32768", "mood = 'sad'", "mood = 'none of these'", "mood < 'sad'",
    "padded = 'a'", "padded = 'a    '", "loose = 'Bern'", "loose = 'BERN'", "loose > 'a'", "u = 'no uuid'",
    "j = 'x'", "single = 0.1", "exact = 1.5", "more = 'x'", "loose = ''", "mood is null", "j is not null",
])  # fmt: skip
def test_odd_types_give_the_same_rows(connector: PostgresqlConnector, text: str) -> None:
    stream = connector.stream("odd")
    names = ["id", text.split(maxsplit=1)[0]]
    few = type(stream)(name="odd", columns=tuple(stream.column(name) for name in dict.fromkeys(names)))
    expected = rows(connector, "odd", [column.name for column in few.columns])
    assert kept(connector, few, text) == kept_of(few, expected, text)


def test_a_text_that_the_server_cannot_have_is_not_sent(connector: PostgresqlConnector) -> None:
    stream = connector.stream("odd")
    needed = Narrowing(columns=("loose",), where=(Comparison("loose", "=", "a\0b"),))
    assert sum(frame.height for frame in connector.narrowed(stream, needed)) == 3


def test_a_hostile_text_is_a_value(connector: PostgresqlConnector) -> None:
    stream = connector.stream("odd")
    columns = {column.name: column for column in stream.columns}
    for text in ("'; drop table odd; --", "%(x)s %s :x \\'", "100%"):
        quoted = text.replace("'", "''")
        needed = compose([Kept(where=f"loose = '{quoted}'"), Kept(columns=("loose",))], columns)
        assert needed.where == (Comparison("loose", "=", text),)
        assert list(connector.narrowed(stream, needed)) == []
    assert connector.stream("odd")


@pytest.fixture
def sly(connector: PostgresqlConnector) -> Iterator[None]:
    """Views that write when they are read, or take long."""
    made = "create function %s returns integer language plpgsql volatile as $$ begin %s; return 1; end $$"
    with connector.engine().begin() as db:
        db.exec_driver_sql("create table seen (id integer)")
        db.exec_driver_sql(made % ("writes()", "insert into seen values (1)"))
        db.exec_driver_sql(made % ("waits()", "perform pg_sleep(20)"))
        db.exec_driver_sql("create view writing as select writes() as id")
        db.exec_driver_sql("create view waiting as select waits() as id")
    yield
    with connector.engine().begin() as db:
        db.exec_driver_sql("drop view writing, waiting")
        db.exec_driver_sql("drop function writes(), waits()")
        db.exec_driver_sql("drop table seen")


@pytest.mark.usefixtures("sly")
def test_a_narrowed_read_writes_nothing_and_ends(
    connector: PostgresqlConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.kits.sql.reader.READ_TIMEOUT_S", 1)
    for name, detail in (("writing", "read-only"), ("waiting", "statement timeout")):
        with pytest.raises(HeadraceError) as caught:
            list(connector.narrowed(connector.stream(name), Narrowing(columns=["id"])))
        assert detail in caught.value.detail
    assert rows(connector, "seen", ["id"]) == []
