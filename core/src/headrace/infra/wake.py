"""Consumers of Dramatiq's Redis broker that sleep until somebody rings, in place of asking Redis again and again.

Dramatiq's own ask each queue ten times a second, and hear a doorbell 50 ms late on average. These hear it at once, over
one subscription for all queues, and look by themselves rarely: a wake-up that is lost costs `LOOK_S`, nothing else.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import redis
from dramatiq import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker

LOOK_S = 2.0
"""Between looks of a consumer that nobody woke; meanwhile the worker looks at the database itself."""
UNHEARD_S = 0.25
"""The same as long as nobody can be heard."""
LAST_LOOK_S = 0.02
"""Between looks of one that is about to end."""
LISTEN_AGAIN_S = 1.0


def wake(broker: RedisBroker, queues: Iterable[str]) -> None:
    """Wake who consumes these queues, in any process.

    Raises:
        redis.RedisError: Redis is away.
    """
    for queue in queues:
        broker.client.publish(f"{broker.namespace}:wake", queue)


def call(broker: RedisBroker, queues: Iterable[str]) -> None:
    """Tell every process that one had no room for a doorbell of one of these queues.

    Raises:
        redis.RedisError: Redis is away.
    """
    broker.client.publish(f"{broker.namespace}:call", " ".join(queues))


class WokenBroker(RedisBroker):
    """A broker whose consumers `wake` wakes, once it listens."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._rung: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._stopped = threading.Event()
        self._hears = threading.Event()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer; how long it sleeps is not for Dramatiq to say."""
        consumer = super().consume(queue_name, prefetch, timeout=1)
        return _Sleeper(consumer, self._rung[queue_name], self._stopped, self._hears)

    def listen(self, called: Callable[[frozenset[str]], None]) -> None:
        """Start to hear `wake` and `call`, in a thread of its own; `called` is told which queues."""
        threading.Thread(target=self._listen, args=(called,), name="headrace-wake", daemon=True).start()

    def deafen(self) -> None:
        """Hear nothing more; who sleeps wakes up."""
        self._stopped.set()
        self._wake_all()

    def _listen(self, called: Callable[[frozenset[str]], None]) -> None:
        while not self._stopped.is_set():
            with (
                contextlib.suppress(redis.RedisError, OSError, ValueError),  # its socket may be closed meanwhile
                self.client.pubsub(ignore_subscribe_messages=True) as heard,
            ):
                heard.subscribe(f"{self.namespace}:wake", f"{self.namespace}:call")
                self._hears.set()
                self._wake_all()  # something may have been missed
                while not self._stopped.is_set():
                    message = heard.get_message(timeout=LISTEN_AGAIN_S)
                    if message is None:
                        continue
                    if message["channel"].endswith(b":call"):
                        called(frozenset(message["data"].decode().split(" ")))
                    else:
                        self._rung[message["data"].decode()].set()
            self._hears.clear()
            self._stopped.wait(LISTEN_AGAIN_S)

    def _wake_all(self) -> None:
        for rung in list(self._rung.values()):
            rung.set()


class _Sleeper(Consumer):
    """Looks once, then sleeps until it is woken or a message of its own is done, which makes room for the next."""

    def __init__(
        self, consumer: Consumer, rung: threading.Event, stopped: threading.Event, hears: threading.Event
    ) -> None:
        self._consumer, self._rung, self._stopped, self._hears = consumer, rung, stopped, hears

    def __next__(self) -> MessageProxy | None:
        self._rung.clear()
        message = next(self._consumer)
        if message is None:
            self._rung.wait(LAST_LOOK_S if self._stopped.is_set() else LOOK_S if self._hears.is_set() else UNHEARD_S)
        return message

    def ack(self, message: MessageProxy) -> None:
        self._consumer.ack(message)
        self._rung.set()

    def nack(self, message: MessageProxy) -> None:
        self._consumer.nack(message)
        self._rung.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        self._consumer.requeue(messages)

    def close(self) -> None:
        self._consumer.close()
