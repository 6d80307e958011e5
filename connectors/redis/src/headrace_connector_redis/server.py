"""A link to a server, through the door."""

from __future__ import annotations

from typing import Any

import redis
from headrace.kits.records.connector import RecordsConnector
from headrace.kits.records.place import Named, Place, tls_context
from headrace.sdk import ConfigError, HeadraceError
from redis.connection import Connection, SSLConnection

from headrace_connector_redis import RedisConfig


class RedisServer(RecordsConnector[RedisConfig]):
    """One database of a server."""

    service = "Redis"
    _client: redis.Redis | None = None

    @property
    def client(self) -> Any:
        """The client, made once; it has one link."""
        if self._client is None:
            config = self.config
            place = Place.of(config.host, config.port)
            named = Named(tls_context(config.authority), place.name) if config.tls else None

            class Secured(SSLConnection):
                """Dials a judged address and checks the certificate for the name."""

                def _wrap_socket_with_ssl(self, sock: Any) -> Any:
                    return named.wrap_socket(sock) if named is not None else sock

            pool = redis.ConnectionPool(
                connection_class=Secured if named else Connection, host=place.address, port=place.port,
                db=config.database, username=config.user or None, password=config.password.reveal() or None,
                socket_connect_timeout=10, socket_timeout=30, max_connections=1,
            )  # fmt: skip
            self._client = redis.Redis(connection_pool=pool)
        return self._client

    def ping(self) -> None:
        """PING."""
        self.client.ping()

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the kind of the server's answer."""
        if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
            return self.refused(error)
        if isinstance(error, redis.ResponseError):
            return ConfigError(f"{self.where} refuses: {str(error)[:200]}; correct the step", detail=repr(error))
        return self.away(error) if isinstance(error, redis.RedisError) else None

    def hang_up(self) -> None:
        """Close the link."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
            client.connection_pool.disconnect()
