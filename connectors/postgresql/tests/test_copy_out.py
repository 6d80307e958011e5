"""Reading by COPY gives what the driver's values give, and refuses what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import polars as pl
import pytest
import sqlalchemy as sa
from headrace.sdk import Secret
from headrace.sdk.errors import DataError
from headrace.testing.services import as_role, fresh_database
from headrace_connector_postgresql import PostgresqlConfig
from headrace_connector_postgresql.connector import PostgresqlConnector
from polars.testing import assert_frame_equal

TABLE = """
create table hostile (
  id bigint primary key, "a ""b"" 100%" text, short smallint, fraction double precision, single real, yes boolean,
  exact numeric(38, 9), day date, at timestamptz, local timestamp, bytes bytea, name varchar(20), padded char(5), u uuid
)
"""
ROWS = """
insert into hostile values
  (1, '', -32768, 'NaN', 'Infinity', true, 12345678901234567890123456789.123456789, '0001-01-01',
   '9999-12-31 23:59:59.999999+00', '2026-03-29 02:30:00.000001', '\\x00ff', E'a,"b"\\nc\\r\\n', 'x',
   gen_random_uuid()),
  (2, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (3, E'\\\\N', 32767, 1e300, 0.1, false, -0.000000001, '2024-02-29', '2026-01-01 00:00:00+05:30', '1970-01-01',
   '', '🙂', '', gen_random_uuid()),
  (4, 'NULL', 0, 5e-324, 3.4e38, true, 0, '9999-12-31', '0001-01-01 00:00:00+00', '0001-01-01', '\\x22', '''', '"',
   null)
"""


class ByDriver(PostgresqlConnector):
    copies_out = False


@pytest.fixture(scope="module")
def config() -> Iterator[PostgresqlConfig]:
    with fresh_database(migrated=False) as admin:
        parts = urlsplit(as_role(admin, "demo"))
        made = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username}
        yield PostgresqlConfig(**made, password=Secret(parts.password or ""))


def rows(connector: PostgresqlConnector, name: str, **asked: object) -> pl.DataFrame:
    try:
        return pl.concat(connector.read(connector.stream(name), **asked))
    finally:
        connector.close()


def run(config: PostgresqlConfig, *statements: str) -> None:
    connector = PostgresqlConnector(config)
    with connector.engine().begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement.replace(":", "\\:")))
    connector.close()


def test_both_ways_say_the_same(config: PostgresqlConfig) -> None:
    run(config, "drop table if exists hostile", TABLE, ROWS)
    copied, driven = (rows(way(config), "hostile").sort("id") for way in (PostgresqlConnector, ByDriver))
    assert_frame_equal(copied, driven)
    assert copied['a "b" 100%'].to_list() == ["", None, "\\N", "NULL"]
    after = rows(PostgresqlConnector(config), "hostile", after=2, batch_rows=1)
    assert sorted(after["id"]) == [3, 4]


def test_a_column_alone_keeps_its_nulls(config: PostgresqlConfig) -> None:
    run(config, "drop table if exists alone", "create table alone (t text)",
        "insert into alone values (null), (''), ('x'), (null)")  # fmt: skip
    assert rows(PostgresqlConnector(config), "alone")["t"].to_list() == [None, "", "x", None]


@pytest.mark.parametrize(("kind", "value"), [
    ("numeric", "0.12345678901"), ("numeric", "'NaN'"), ("timestamptz", "'infinity'"), ("date", "'0044-03-15 BC'"),
])  # fmt: skip
def test_both_ways_refuse_the_same(config: PostgresqlConfig, kind: str, value: str) -> None:
    run(config, "drop table if exists odd", f"create table odd (v {kind})", f"insert into odd values ({value})")
    for way in (PostgresqlConnector, ByDriver):
        with pytest.raises(DataError):
            rows(way(config), "odd")


def test_an_abandoned_read_leaves_the_server_free(config: PostgresqlConfig) -> None:
    run(config, "drop table if exists long", "create table long as select generate_series(1, 300000) as n")
    connector = PostgresqlConnector(config)
    frames = connector.read(connector.stream("long"), batch_rows=1_000)
    assert next(frames).height == 1_000
    frames.close()
    assert connector.stream("long").columns[0].name == "n"
    connector.close()


@pytest.mark.parametrize(("kind", "bits"), [("smallint", 16), ("integer", 32), ("bigint", 64)])
def test_the_smallest_number_bounds_a_read(config: PostgresqlConfig, kind: str, bits: int) -> None:
    least = -(2 ** (bits - 1))
    run(config, "drop table if exists least", f"create table least (n {kind} primary key)",
        f"insert into least values ({least}), ({least + 1}), (0)")  # fmt: skip
    assert rows(PostgresqlConnector(config), "least", after=least)["n"].to_list() == [least + 1, 0]
