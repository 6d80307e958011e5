"""The worker's row: who works here, with which plugins, how busy. For admins and the relay; no execution needs it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

import headrace
from headrace.infra.database import Database
from headrace.plugins.manager import Host

_JOIN = sa.text("""
INSERT INTO workers (id, hostname, pid, version, plugin_set_hash, queues, slots, waiting_slots)
VALUES (:id, :hostname, :pid, :version, :plugin_set_hash, :queues, :slots, :waiting_slots)
""")
_BEAT = sa.text("""
UPDATE workers SET heartbeat_at = clock_timestamp(), busy = :busy, is_draining = :draining WHERE id = :id
RETURNING drain_requested_at IS NOT NULL
""")
_LEAVE = sa.text("DELETE FROM workers WHERE id = :id")
_FORGET = sa.text("DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - make_interval(secs => 3600)")


class Member(Protocol):
    """What the row tells of a worker."""

    id: UUID
    host: Host
    slots: int
    waiting_slots: int
    queues: Sequence[str]

    @property
    def busy(self) -> int:
        """Segments in work."""


async def join(database: Database, worker: Member) -> None:
    """Write the row."""
    async with database.transaction() as session:
        await session.execute(
            _JOIN,
            {
                "id": worker.id, "hostname": socket.gethostname(), "pid": os.getpid(), "version": headrace.__version__,
                "plugin_set_hash": worker.host.plugin_set_hash, "queues": list(worker.queues), "slots": worker.slots,
                "waiting_slots": worker.waiting_slots,
            },
        )  # fmt: skip


async def beat(database: Database, worker: Member, *, draining: bool) -> bool:
    """Say that it lives. Returns whether somebody asks it to take nothing more."""
    async with database.transaction() as session:
        return bool(await session.scalar(_BEAT, {"id": worker.id, "busy": worker.busy, "draining": draining}))


async def leave(database: Database, worker_id: UUID) -> None:
    """Remove the row."""
    async with database.transaction() as session:
        await session.execute(_LEAVE, {"id": worker_id})


async def forget_dead(database: Database) -> None:
    """Remove rows of workers that have been silent for an hour."""
    async with database.transaction() as session:
        await session.execute(_FORGET)
