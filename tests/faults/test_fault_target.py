"""The target dies in the middle of a write: a transactional sink has every row once, whatever was cut."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import HeadraceError

from tests.faults.wireproxy import Proxy

ROWS = pl.DataFrame({"id": range(1_000), "word": [f"w{n}" for n in range(1_000)]})


@pytest.mark.parametrize(
    "mode", ["append", *(pytest.param(one, marks=pytest.mark.slow) for one in ("overwrite", "upsert"))]
)
async def test_a_write_cut_after_any_message_is_there_once(mode, postgres_url, record_property):
    """F20: cut after the k-th message to the target, for every k; then the same effect again."""
    registry = load_plugins(only=["connector-postgresql"], strict=True).registry

    def write(url: str, k: int) -> None:
        parts = urlsplit(url)
        connector = registry.connector("postgresql").open({
            "host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
            "password": parts.password, "ssl": "disable",
        })  # fmt: skip
        try:
            frames = iter([ROWS.slice(n, 200) for n in range(0, 1_000, 200)])
            connector.write(f"t{k}", frames, mode=mode, keys=["id"], effect_key=f"execution:{k}")
        finally:
            connector.close()

    k = 0
    while True:
        k += 1
        async with Proxy(postgres_url, k) as proxy:
            try:
                async with asyncio.timeout(60):
                    await asyncio.to_thread(write, proxy.url, k)
            except HeadraceError:
                pass
            survived = not proxy.cut.is_set()
        await asyncio.to_thread(write, postgres_url, k)
        with psycopg.connect(postgres_url) as db:
            query = psycopg.sql.SQL("select count(*), count(distinct id) from {}").format(
                psycopg.sql.Identifier(f"t{k}")
            )
            assert db.execute(query).fetchone() == (1_000, 1_000), f"{mode}, cut after message {k}"
        if survived:
            break
    assert k > 10
    record_property("figure", (f"target_cuts_{mode}", f"Cuts of a target survived, {mode}", "points of k", [k - 1]))
