"""The contract for connectors of the MySQL family: against a MariaDB server, in a database of its own."""

# ruff: noqa: D102 - these are fixtures of tests

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from headrace.testing.connector import ConnectorContract
from headrace.testing.services import needs

CITIES = ({"id": 1, "name": "Bern", "area": 51.6}, {"id": 2, "name": "Oslo"}, {"id": 5, "name": "Riga", "area": 304})


class MysqlContract(ConnectorContract):
    """The contract, with a database for each test."""

    @pytest.fixture
    def config(self) -> Iterator[dict[str, Any]]:
        with database_of_cities() as config:
            yield config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "user": "nobody_here", "password": "s3cret-and-wrong"}


@contextmanager
def database_of_cities() -> Iterator[dict[str, Any]]:
    """The config of a database of its own that has a table of three cities."""
    server = sa.make_url(needs("mariadb")).set(drivername="mysql+pymysql")
    name = f"contract_{secrets.token_hex(6)}"
    city = sa.Table(
        "city", sa.MetaData(schema=name), sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(50)), sa.Column("area", sa.Double),
    )  # fmt: skip
    engine = sa.create_engine(server)
    with engine.begin() as admin:
        admin.execute(sa.schema.CreateSchema(name))
        city.create(admin)
        for row in CITIES:
            admin.execute(sa.insert(city), row)
    yield {
        "host": server.host, "port": server.port or 3306, "database": name, "user": server.username,
        "password": server.password or "",
    }  # fmt: skip
    with engine.begin() as admin:
        admin.execute(sa.schema.DropSchema(name))
    engine.dispose()
