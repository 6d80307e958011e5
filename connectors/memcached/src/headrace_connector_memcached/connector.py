"""The work: keys are listed by the server's crawler, values come and go in groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from headrace.kits.records.connector import Given, Write
from headrace.kits.records.keyed import KeyedConnector
from headrace.kits.records.place import Named, Place, tls_context
from headrace.kits.records.spool import Part
from headrace.sdk import ConfigError, HeadraceError
from pymemcache.client.base import Client as Driver
from pymemcache.exceptions import MemcacheClientError, MemcacheError, MemcacheUnexpectedCloseError

from headrace_connector_memcached import MemcachedConfig, MemcachedWriteOptions


class MemcachedConnector(KeyedConnector[MemcachedConfig]):
    """One server."""

    service = "Memcached"
    key_bytes = 250
    write_options = MemcachedWriteOptions
    _client: Driver | None = None
    _expires_s = 0

    @property
    def client(self) -> Any:
        """The client, made once."""
        if self._client is None:
            config, place = self.config, Place.of(self.config.host, self.config.port)
            self._client = Driver(
                (place.address, place.port), connect_timeout=10, timeout=30, default_noreply=False, no_delay=True,
                tls_context=Named(tls_context(config.authority), place.name) if config.tls else None,
            )  # fmt: skip
        return self._client

    def ping(self) -> None:
        """VERSION."""
        self.client.version()

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys as the crawler finds them."""
        for line in bytes(self.client.raw_command(b"lru_crawler metadump hash", b"END\r\n")).splitlines():
            if line.startswith(b"key="):
                key = unquote(line.partition(b" ")[0][4:].decode(errors="replace"))
                if key.startswith(prefix):
                    yield key

    def values(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """GET of several."""
        found: dict[str, bytes] = self.client.get_many(keys)
        return found

    def unfit(self, key: str) -> str:
        """Keys are short, and of printable ASCII."""
        if not key.isascii() or not key.isprintable() or " " in key:
            return "its key holds a space or a letter beyond ASCII, which Memcached does not take"
        return super().unfit(key)

    def give(self, write: Write, part: Part) -> Given:
        """As the kit does, with the life time of the options."""
        self._expires_s = write.options.expires_s
        return super().give(write, part)

    def put(self, values: Mapping[str, bytes]) -> None:
        """SET of several."""
        failed: Iterable[str] = self.client.set_many(dict(values), expire=self._expires_s) if values else ()
        if failed:
            raise ConfigError(f"{self.where} does not keep the key '{next(iter(failed))}'; look at its limits")

    def remove(self, keys: Sequence[str]) -> None:
        """DELETE of several."""
        self.client.delete_many(keys)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the kind of the server's answer."""
        if isinstance(error, MemcacheUnexpectedCloseError):
            return self.away(error)
        if isinstance(error, MemcacheClientError):
            return ConfigError(f"{self.where} refuses: {str(error)[:200]}; correct the step", detail=repr(error))
        return self.away(error) if isinstance(error, MemcacheError) else None

    def hang_up(self) -> None:
        """Close the link."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
