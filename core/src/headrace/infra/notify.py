"""PostgreSQL notifications: one connection that listens, and listens again after it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from headrace.infra.database import sqlalchemy_url

RECONNECT_S = 1.0


async def listen(url: str, channels: Sequence[str], heard: Callable[[str, str], None]) -> None:
    """Call `heard(channel, payload)` for each notification until cancelled.

    After each (re)connect it calls `heard(channel, "")` once per channel, since something may have been missed.
    """
    dsn = sqlalchemy_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, application_name="headrace-listen", connect_timeout=5,
                keepalives_idle=10, keepalives_interval=5, keepalives_count=3,
            ) as connection:  # fmt: skip
                for channel in channels:
                    await connection.execute(sql.Composed([sql.SQL("LISTEN "), sql.Identifier(channel)]))
                for channel in channels:
                    heard(channel, "")
                async for notice in connection.notifies():
                    heard(notice.channel, notice.payload)
        except psycopg.Error:
            pass
        await asyncio.sleep(RECONNECT_S)
