"""Messages that a step takes from a broker are acknowledged behind the commit, whoever dies before it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pika
import psycopg
import pytest
from headrace.connections import service as connections
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.infra.crypto import KeyRing
from headrace.plugins.manager import load_plugins
from headrace.testing.processes import Processes
from headrace.testing.services import needs

PLUGINS = ("connector-rabbitmq", "connector-sqlite", "node-lab", "plugin-engine_polars")
TIMING = {"lease_s": 2, "heartbeat_s": 0.4, "poll_s": 0.2, "drain_s": 0.2, "reap_s": 0.1, "ring_again_s": 1}


class Queue:
    """A queue with three messages; `ready` counts those that nobody has taken."""

    def __init__(self, channel: Any) -> None:
        self.name, self._channel = f"held-{uuid4().hex}", channel
        channel.queue_declare(self.name)
        for number in (1, 2, 3):
            about = pika.BasicProperties(message_id=f"m{number}")
            channel.basic_publish("", self.name, json.dumps({"id": number}).encode(), about)

    def ids(self) -> list[str]:
        """Of the messages, which stay where they are."""
        got = [self._channel.basic_get(self.name) for _ in range(self.ready)]
        self._channel.basic_nack(0, multiple=True, requeue=True)
        return [about.message_id for _, about, _ in got]

    @property
    def ready(self) -> int:
        """Messages in their place."""
        return int(self._channel.queue_declare(self.name, passive=True).method.message_count)


@pytest.fixture
def queue() -> Iterator[Queue]:
    with closing(pika.BlockingConnection(pika.URLParameters(needs("rabbitmq")))) as connection:
        channel = connection.channel()
        made = Queue(channel)
        yield made
        channel.queue_delete(made.name)


@pytest.fixture
def processes(headrace_settings, lab, tmp_path) -> Iterator[Processes]:
    folder = tmp_path / "logs"
    folder.mkdir()
    headrace_settings.home.mkdir(exist_ok=True)
    found = Processes(headrace_settings, lab, folder, plugins=PLUGINS, allow="private", **TIMING)
    yield found
    found.end()


class Shop:
    """Where the messages go, by a flow of two steps that are one segment."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[Any]:
        """What has arrived; nothing while there is no table."""
        with closing(sqlite3.connect(self.path)) as shop:
            try:
                return shop.execute("select id, _id from got order by 1").fetchall()
            except sqlite3.OperationalError:
                return []

    async def start(self, world, queue: Queue, settings):
        url, world.host = urlsplit(needs("rabbitmq")), load_plugins(only=PLUGINS, strict=True)
        vault = connections.Vault(KeyRing(settings.master_keys))
        broker = {"host": url.hostname, "port": url.port or 5672, "user": url.username or "guest",
                  "password": url.password or "guest"}  # fmt: skip
        async with world.database.transaction(world.organization_id) as session:
            for name, kind, config in (("Broker", "rabbitmq", broker), ("Shop", "sqlite", {"path": str(self.path)})):
                await connections.create(
                    session, world.actor, vault, world.host.registry, name=name, connector=kind, config=config
                )
        read = {"connection": "Broker", "stream": queue.name, "options": {"take": "consume"}}
        nodes = (
            NodeSpec(id="read", type="rabbitmq.read", config=read),
            NodeSpec(id="write", type="sqlite.write", config={"connection": "Shop", "stream": "got", "mode": "append"}),
        )
        return await world.start(FlowGraph(nodes=nodes, edges=(Edge(source="read", target="write"),)))


@contextmanager
def uncommitted(url: str) -> Iterator[Callable[[], None]]:
    """No outcome of a segment can be stored before what this gives is called."""
    with closing(psycopg.connect(url)) as holder:
        holder.execute("lock table node_executions in exclusive mode")
        yield holder.rollback


GOT = [(1, "m1"), (2, "m2"), (3, "m3")]


async def test_who_dies_before_the_commit_has_acknowledged_nothing(
    world, processes, queue, headrace_settings, database_urls, tmp_path, wait_until
):
    shop = Shop(tmp_path / "shop.db")
    execution_id = await shop.start(world, queue, headrace_settings)
    with uncommitted(database_urls.owner_url) as may_commit:
        worker = await processes.start("worker")
        await wait_until(lambda: len(shop.rows()) == 3)
        await asyncio.sleep(0.5)
        assert queue.ready == 0, "they are taken"
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        await wait_until(lambda: queue.ready == 3)
        may_commit()
    await processes.start("scheduler")
    await processes.start("worker")
    execution = await world.ended(execution_id)
    assert execution["status"] == "completed", execution["error"]
    await wait_until(lambda: queue.ready == 0)
    assert shop.rows() == GOT, "the second attempt has taken the same messages, and written them once"


async def test_who_dies_between_the_commit_and_the_acknowledgement_gets_the_same_messages_again(
    world, processes, queue, headrace_settings, database_urls, tmp_path, wait_until
):
    shop = Shop(tmp_path / "shop.db")
    execution_id = await shop.start(world, queue, headrace_settings)
    with uncommitted(database_urls.owner_url) as may_commit:
        worker = await processes.start("worker")
        await wait_until(lambda: len(shop.rows()) == 3)
        await asyncio.sleep(0.5)
        runners = children(worker.pid)
        for runner in runners:
            os.kill(runner, signal.SIGSTOP)
        may_commit()
    assert (await world.ended(execution_id))["status"] == "completed"
    assert queue.ready == 0, "taken, and not acknowledged"
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    await wait_until(lambda: queue.ready == 3)
    assert queue.ids() == ["m1", "m2", "m3"], "at least once: who reads them again knows them by their ids"


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
