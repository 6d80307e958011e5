"""The work: children of a node, read and written many at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headrace.kits.records.keyed import KeyedConnector
from headrace.kits.records.place import Place
from headrace.sdk import AuthError, ConfigError, HeadraceError, TransientError
from kazoo.client import KazooClient
from kazoo.exceptions import (
    AuthFailedError,
    ConnectionLoss,
    KazooException,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    SessionExpiredError,
)
from kazoo.handlers.threading import KazooTimeoutError

from headrace_connector_zookeeper import ZookeeperConfig

_QUIET = logging.getLogger("headrace.zookeeper.driver")
_QUIET.setLevel(logging.CRITICAL)


class ZookeeperConnector(KeyedConnector[ZookeeperConfig]):
    """One ensemble, by one of its servers."""

    service = "ZooKeeper"
    kind = "node"
    mark = "/"
    _client: Any = None

    @property
    def client(self) -> Any:
        """The client, connected once."""
        if self._client is None:
            place = Place.of(self.config.host, self.config.port)
            self._client = KazooClient(hosts=place.netloc, timeout=10, logger=_QUIET,
                                       connection_retry={"max_tries": 1}, command_retry={"max_tries": 1})  # fmt: skip
            self._client.start(timeout=10)
        return self._client

    def ping(self) -> None:
        """Look at the root."""
        self.client.exists("/")

    def names(self) -> Iterable[str]:
        """Nodes below the root that have children, without the server's own."""
        tops = self.client.get_children("/")
        return [name for name in tops if name != "zookeeper" and self.client.get_children(f"/{name}")]

    def keys(self, prefix: str) -> Iterable[str]:
        """Children of a node."""
        try:
            children = self.client.get_children(f"/{prefix.rstrip('/')}")
        except NoNodeError:
            return []
        return [prefix + child for child in sorted(children)]

    def values(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Many reads at once; a node without a value is there as well."""
        asked = [(key, self.client.get_async(f"/{key}")) for key in keys]
        found: dict[str, bytes] = {}
        for key, answer in asked:
            try:
                found[key] = answer.get(timeout=60)[0] or b""
            except NoNodeError:  # somebody has removed it meanwhile
                continue
        return found

    def unfit(self, key: str) -> str:
        """A name has no slash of its own."""
        rest = key.partition("/")[2] if key.count("/") == 1 else key.rpartition("/")[2]
        if rest in {"", ".", ".."} or "\0" in key or key.count("/") > 1:
            return "its key is no name of a node: it holds a slash, or is empty"
        return super().unfit(key)

    def put(self, values: Mapping[str, bytes]) -> None:
        """Set or create, many at once."""
        if not values:
            return
        self.client.ensure_path(f"/{next(iter(values)).rpartition('/')[0]}")
        made = [(key, body, self.client.create_async(f"/{key}", body)) for key, body in values.items()]
        there = []
        for key, body, answer in made:
            try:
                answer.get(timeout=60)
            except NodeExistsError:
                there.append(self.client.set_async(f"/{key}", body))
        for answer in there:
            answer.get(timeout=60)

    def remove(self, keys: Sequence[str]) -> None:
        """Delete, many at once."""
        for answer in [self.client.delete_async(f"/{key}") for key in keys]:
            answer.get(timeout=60)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the kind of the server's answer."""
        if isinstance(error, NoAuthError | AuthFailedError):
            return AuthError(
                f"{self.where} does not let you do this; its access list must allow it", detail=repr(error)
            )
        if isinstance(error, ConnectionLoss | SessionExpiredError | KazooTimeoutError):
            return self.away(error)
        if isinstance(error, KazooException):
            return ConfigError(f"{self.where} refuses ({type(error).__name__}); correct the step", detail=repr(error))
        return TransientError(f"{self.where} hung up; it is tried again") if isinstance(error, EOFError) else None

    def hang_up(self) -> None:
        """End the session."""
        client, self._client = self._client, None
        if client is not None:
            client.stop()
            client.close()
