"""LOAD DATA LOCAL: what a table takes as it is goes in; what it would change is refused; no file is ever sent."""

from __future__ import annotations

import polars as pl
import pytest
import sqlalchemy as sa
from headrace.kits.sql.load_data import Loading, load_data, loads
from headrace.sdk.errors import DataError
from headrace.sdk.secrets import Secret
from headrace.testing.connector_mysql import database_of_cities
from headrace_connector_mariadb import MariaDBConfig
from headrace_connector_mariadb.connector import MariaDBConnector


@pytest.fixture
def connector(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
    with database_of_cities() as config:
        made = MariaDBConnector(MariaDBConfig(**{**config, "password": Secret(config["password"])}))
        yield made
        made.close()


def table(connection: sa.Connection, *columns: sa.Column) -> sa.Table:
    made = sa.Table("loaded", sa.MetaData(), *columns, mysql_engine="InnoDB")
    made.create(connection)
    return made


def test_rows_go_in_as_they_are(connector) -> None:
    texts = ["", None, "NULL", "\\N", 'a "quoted", \\ text', "two\nlines\r\n", "🙂", "'", "\t\0x"]
    data = [None if text is None else text.encode() for text in texts]
    frame = pl.DataFrame({"id": range(len(texts)), "text": texts, "bytes": data})
    with connector.engine().begin() as connection:
        assert loads(connection)
        into = table(connection, sa.Column("id", sa.Integer), sa.Column("text", sa.Text), sa.Column("bytes", sa.BLOB))
        assert load_data(connection, into, frame)
        assert [tuple(row) for row in connection.execute(sa.select(into).order_by(into.c.id))] == frame.rows()


@pytest.mark.parametrize("values", [["ok", "too long"], ["a", "a"]], ids=["cut", "double"])
def test_what_the_server_would_change_is_undone(connector, values) -> None:
    with connector.engine().begin() as connection:
        into = table(connection, sa.Column("text", sa.String(3), primary_key=True))
        assert not load_data(connection, into, pl.DataFrame({"text": values}))
        assert connection.scalar(sa.select(sa.func.count()).select_from(into)) == 0


def test_a_write_says_what_does_not_fit(connector) -> None:
    with connector.engine().begin() as connection:
        table(connection, sa.Column("text", sa.String(3)))
    with pytest.raises(DataError):
        connector.write("loaded", iter([pl.DataFrame({"text": ["ok", "too long"]})]))
    assert connector.stream("loaded").columns[0].name == "text"


def test_a_file_is_never_sent(connector, tmp_path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("7\n")
    with connector.engine().begin() as connection:
        into = table(connection, sa.Column("id", sa.Integer))
    asking = connector.engine().raw_connection()
    assert isinstance(asking.driver_connection, Loading)
    with pytest.raises(RuntimeError, match="local_infile"):
        asking.driver_connection.query(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded")
    asking.invalidate()
    with connector.engine().begin() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(into)) == 0
