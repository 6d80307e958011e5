"""The contract against a MariaDB server, in a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pytest
from headrace.testing.connector import ConnectorContract
from headrace.testing.services import needs


class TestMysql(ConnectorContract):
    connector_id = "mysql"

    @pytest.fixture
    def config(self) -> Iterator[dict[str, Any]]:
        parts = urlsplit(needs("mariadb"))
        name = f"contract_{secrets.token_hex(6)}"
        server: dict[str, Any] = {
            "host": parts.hostname,
            "port": parts.port or 3306,
            "user": parts.username,
            "password": parts.password or "",
        }
        admin = pymysql.connect(**server, autocommit=True)
        with admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE TABLE {name}.city (id int primary key, name varchar(50), area double)")
            cursor.execute(f"INSERT INTO {name}.city VALUES (1,'Bern',51.6),(2,'Oslo',null),(5,'Riga',304)")
        yield {**server, "database": name}
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
        admin.close()

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "user": "nobody_here", "password": "s3cret-and-wrong"}
