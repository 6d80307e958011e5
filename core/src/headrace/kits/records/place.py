"""Where a connector dials: a judged address for drivers that take one, a judged event loop for all others.

A driver that finds other servers by itself (a cluster, a replica set) runs in `Loop`, where every name and every
address it comes to passes the door.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, TypeVar

from msgspec import Struct

from headrace.sdk.egress import check_host, current_policy
from headrace.sdk.errors import ConfigError

_T = TypeVar("_T")


class Place(Struct, frozen=True):
    """A judged address to dial, and the name that its certificate is for."""

    name: str
    address: str
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> Place:
        """Where a config leads.

        Raises:
            ConfigError: the host is not known, or may not be reached.
        """
        return cls(host, check_host(host, port)[0], port)

    @property
    def netloc(self) -> str:
        """Address and port as one text."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def tls_context(authority: str = "") -> ssl.SSLContext:
    """Names checked, TLS 1.2 and later.

    Args:
        authority: PEM of a private one; empty trusts those of the system.

    Raises:
        ConfigError: it is no PEM text.
    """
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except ssl.SSLError:
        raise ConfigError("the certificate authority is no PEM text; paste the whole certificate",
                          field="authority") from None  # fmt: skip
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Named:
    """A context that checks the certificate for a name, whatever was dialled."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._context, self._name = context, name

    def wrap_socket(self, sock: Any, *, server_hostname: str | None = None, **more: Any) -> ssl.SSLSocket:
        """As `SSLContext.wrap_socket`."""
        return self._context.wrap_socket(sock, server_hostname=self._name, **more)


class Loop(asyncio.SelectorEventLoop):
    """An event loop that reaches judged addresses only, whoever asks for a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._judged: set[str] = set()

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Any:
        """The judged addresses of a name."""
        name = host.decode() if isinstance(host, bytes) else str(host)
        addresses = await self.run_in_executor(None, check_host, name, int(port or 0))
        found: list[Any] = []
        for address in addresses:
            self._judged.add(f"{address} {port}")
            found += await super().getaddrinfo(address, port, **more)
        return found

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Connect, if the address was judged by its name or may be reached without one."""
        if isinstance(address, tuple) and f"{address[0]} {address[1]}" not in self._judged:
            current_policy().check(str(address[0]), int(address[1]), [str(address[0]).partition("%")[0]])
        await super().sock_connect(sock, address)


class Runner:
    """Runs the coroutines of one connection, from one thread; its loop is a `Loop`, made at first use."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What a coroutine gives."""
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=Loop)
        return self._runner.run(work)

    def close(self) -> None:
        """Close the loop; twice is fine."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()
