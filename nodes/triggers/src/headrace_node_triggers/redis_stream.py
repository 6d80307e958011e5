"""Messages of a Redis or Valkey stream, through a consumer group of the trigger's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from headrace.sdk import AuthError, ConfigError, Event, Received, SourceContext, SourceTrigger, TransientError
from redis.connection import Connection, SSLConnection

from headrace_node_triggers.broker_configs import RedisStreamConfig
from headrace_node_triggers.brokers import Place, text_of, tls_context


class _Named(SSLConnection):
    """Dials a judged address and checks the certificate for the name."""

    name = ""

    def _wrap_socket_with_ssl(self, sock: Any) -> Any:
        return tls_context().wrap_socket(sock, server_hostname=self.name)


class RedisStream(SourceTrigger[RedisStreamConfig]):
    """What was delivered and not stored is read again first; it is acknowledged when it is stored."""

    def __init__(self, config: RedisStreamConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._client: redis.Redis | None = None
        self._group = ""
        self._again = True

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next messages.

        Raises:
            AuthError, ConfigError, TransientError: as the server answers.
        """
        try:
            client = self._client or self._open(ctx.trigger_id)
            after = "0" if self._again else ">"
            block = None if self._again else int(wait_s * 1000)
            found: Any = client.xreadgroup(
                self._group, "headrace", {self.config.stream: after}, count=self.config.batch, block=block
            )
        except redis.AuthenticationError:
            raise AuthError("the Redis server refused user name or password; enter them again") from None
        except redis.ResponseError as error:
            raise ConfigError(f"the Redis server refuses to read '{self.config.stream}': {error}") from None
        except (redis.RedisError, OSError) as error:
            raise TransientError("the Redis server does not answer; it is tried again", detail=str(error)) from None
        messages = found[0][1] if found else []
        self._again = self._again and bool(messages)
        events = [self._event(key.decode(), fields) for key, fields in messages if fields]
        place = {"last": messages[-1][0].decode()} if messages else dict(cursor)
        return Received(events=events, cursor=place, more=True)

    def _open(self, trigger_id: str) -> redis.Redis:
        place = Place.of(self.config, 6379)
        kind: Any = type("Named", (_Named,), {"name": place.name}) if self.config.tls else Connection
        pool = redis.ConnectionPool(
            connection_class=kind, host=place.address, port=place.port, db=self.config.database,
            username=self.secrets.username.reveal() or None, password=self.secrets.password.reveal() or None,
            socket_connect_timeout=5, socket_timeout=30,
        )  # fmt: skip
        client = redis.Redis(connection_pool=pool)
        self._group = f"headrace-{trigger_id}"
        try:
            first = "0" if self.config.first == "all" else "$"
            client.xgroup_create(self.config.stream, self._group, id=first, mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._client, self._again = client, True
        return client

    def _event(self, key: str, fields: Mapping[bytes, bytes]) -> Event:
        row = {name.decode(errors="replace"): next(iter(text_of(value).values())) for name, value in fields.items()}
        return Event(key=key, rows=[row], data={"message": {"stream": self.config.stream, "id": key}})

    def accepted(self, received: Received) -> None:
        """Acknowledge."""
        if self._client is not None and received.events:
            self._client.xack(self.config.stream, self._group, *[event.key for event in received.events])

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
            self._client.connection_pool.disconnect()
            self._client = None
