"""A server with a binlog, shared by the tests of changes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headrace.plugins.manager import load_plugins
from headrace.testing.mariadb_server import binlog_server


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, Any]]:
    made = tempfile.TemporaryDirectory(prefix="headrace-mariadb-", ignore_cleanup_errors=True)
    with made as name, binlog_server(Path(name)) as config:
        yield config


@pytest.fixture
def ctx(server: dict[str, Any]) -> Iterator[Any]:
    entry = load_plugins(only=["connector-mariadb"], strict=True).registry.connector("mariadb")
    with closing(entry.open(server)) as connector:
        yield SimpleNamespace(trigger_id="t1", connector=lambda _: connector)
