"""Doorbells over Dramatiq on Redis: `ring(organization_id, execution_id, segment_no)` and nothing else.

A lost doorbell is rung again, a duplicate loses the claim, a forged one asks for what PostgreSQL allows anyway. So the
broker needs no retries, no results, no delays and no persistence; its settings are those that durability.md 4.6 forces.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import redis
from msgspec import Struct
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from headrace.infra.queue_names import QUEUES
from headrace.infra.wake import WokenBroker, call, wake
from headrace.sdk.errors import TransientError

NAMESPACE = "headrace:queue"
_ACTOR = "ring"
_THREAD_POLL_MS = 500

Handler = Callable[[UUID, UUID, int], bool]


class Bell(Struct, frozen=True):
    """A doorbell to send."""

    organization_id: UUID
    execution_id: UUID
    segment_no: int
    queue: str


def open_broker(url: str, *, queues: Sequence[str] = QUEUES, namespace: str = NAMESPACE) -> WokenBroker:
    """A broker; nothing connects yet."""
    retry = Retry(ExponentialBackoff(cap=0.2, base=0.05), 2)
    client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, retry=retry)
    broker = WokenBroker(
        client=client, middleware=[], namespace=namespace, heartbeat_timeout=15_000, maintenance_chance=100_000
    )
    for queue in queues:
        broker.declare_queue(queue)
    return broker


class Ringer:
    """Sends doorbells. For the relay only: the api never waits for Redis."""

    def __init__(self, url: str, *, namespace: str = NAMESPACE) -> None:
        self._broker = open_broker(url, namespace=namespace)

    def ring(self, bells: Sequence[Bell]) -> None:
        """Send them.

        Raises:
            TransientError: Redis is away; some may have been sent.
        """
        try:
            for bell in bells:
                args = (str(bell.organization_id), str(bell.execution_id), bell.segment_no)
                self._broker.enqueue(
                    dramatiq.Message(queue_name=bell.queue, actor_name=_ACTOR, args=args, kwargs={}, options={})
                )
            wake(self._broker, {bell.queue for bell in bells})
        except redis.RedisError as error:
            raise TransientError(
                "Redis does not answer; workers poll the database meanwhile", detail=repr(error)
            ) from None

    def close(self) -> None:
        """Close the connections."""
        self._broker.client.close()


class Doorbells:
    """Consumes doorbells in threads of its own and hands each to `handler`, which returns when it is dealt with.

    Returns it False, there was no room for it: others that listen to the queue are `called` then, to look themselves.
    """

    def __init__(
        self,
        url: str,
        handler: Handler,
        called: Callable[[], None],
        *,
        queues: Sequence[str] = QUEUES,
        threads: int = 2,
        namespace: str = NAMESPACE,
    ) -> None:
        self._handler, self._called, self._queues = handler, called, frozenset(queues)
        self._broker = open_broker(url, queues=queues, namespace=namespace)
        dramatiq.Actor(self._ring, broker=self._broker, actor_name=_ACTOR, queue_name=queues[0], priority=0, options={})
        self._worker = dramatiq.Worker(
            self._broker, queues=set(queues), worker_timeout=_THREAD_POLL_MS, worker_threads=threads
        )
        self._worker.queue_prefetch = threads
        self._worker.delay_prefetch = 1

    def _ring(self, *args: Any, **_: Any) -> None:
        try:
            organization_id, execution_id, segment_no = args
            bell = (UUID(str(organization_id)), UUID(str(execution_id)), int(segment_no))
        except (ValueError, TypeError):
            logging.getLogger(__name__).warning("a doorbell with wrong arguments was dropped")
            return
        if not self._handler(*bell):
            with contextlib.suppress(redis.RedisError):
                call(self._broker, self._queues)

    def _hear(self, queues: frozenset[str]) -> None:
        if queues & self._queues:
            self._called()

    def start(self) -> None:
        """Start consuming; Redis may be away, it is asked again until it answers."""
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL + 1)
        self._broker.listen(self._hear)
        self._worker.start()

    def stop(self) -> None:
        """Stop consuming; blocks until the threads have ended."""
        self._broker.deafen()
        self._worker.stop(timeout=5_000)
        self._broker.client.close()
