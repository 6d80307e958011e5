"""The one door to other machines: which addresses may be reached, and a check that cannot be talked round.

A host is resolved once, every answer is judged, and the caller connects to a judged address, never to the name again.
Public addresses are open. Loopback and private ranges are opened by the operator with `HEADRACE_EGRESS_ALLOW`;
link-local, metadata, multicast and broadcast addresses are opened by nobody. HTTP: `headrace.sdk.egress_http`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from msgspec import Struct

from headrace.sdk.egress_names import Place, checked_host, checked_url
from headrace.sdk.errors import ConfigError, TransientError

SETTING = "HEADRACE_EGRESS_ALLOW"
PRIVATE = "private"
Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

_PRIVATE = tuple(
    ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "100.100.100.200/32", "168.63.129.16/32",  # metadata services outside the link-local range
        "::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32",
        "2002::/16", "2001::/32", "64:ff9b:1::/48",  # 6to4, Teredo and local NAT64 hide an IPv4 address
    )
)  # fmt: skip
_MAPPED = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"), ip_network("::/96"))
_METADATA = frozenset({"metadata.google.internal", "metadata.goog", "metadata.azure.internal", "instance-data"})
_OTHER_PROTOCOLS = frozenset(
    {1433, 1521, 1883, 2049, 3306, 3389, 5060, 5061, 5432, 5672, 6000, 6379, 6566, 9042, 9092, 10080, 11211, 27017}
    | set(range(6665, 6670))
)
"""Ports above 1023 where a server of another protocol may take an HTTP request for commands."""


class Rule(Struct, frozen=True):
    """One entry of the operator's list: a network or a name, on one port or (0) on all."""

    network: Any = None
    name: str = ""
    port: int = 0

    def opens(self, host: str, port: int, address: Address) -> bool:
        """Whether it opens this address, reached by this name."""
        if self.port not in {0, port}:
            return False
        if self.network is None:
            return self.name == host
        return address.version == self.network.version and address in self.network


class EgressPolicy(Struct, frozen=True):
    """What may be reached. Pure: it opens nothing.

    Attributes:
        rules: What the operator has opened beside public addresses.
        schemes: Of URLs.
    """

    rules: tuple[Rule, ...] = ()
    schemes: frozenset[str] = frozenset({"http", "https"})

    def verdict(self, host: str, port: int, address: str) -> str:
        """`open`, `closed` (the operator may open it) or `never`."""
        judged = effective(ip_address(address))
        if any(judged.version == network.version and judged in network for network in _NEVER):
            return "never"
        if any(rule.opens(host, port, judged) for rule in self.rules):
            return "open"
        return "open" if judged.is_global and not judged.is_multicast else "closed"

    def check(self, host: str, port: int, addresses: Sequence[str]) -> tuple[str, ...]:
        """All addresses of a host, if every one of them may be reached.

        Raises:
            ConfigError: one may not; it names host, port and setting, not the address.
        """
        verdicts = [(self.verdict(host, port, address), address) for address in addresses]
        if host in _METADATA or any(verdict == "never" for verdict, _ in verdicts):
            raise ConfigError(
                f"'{host}' leads to an address that is never opened (link-local, metadata, multicast or reserved); use "
                "another host",
                detail=str(addresses), field="host", host=host,
            )  # fmt: skip
        if any(verdict == "closed" for verdict, _ in verdicts):
            raise ConfigError(
                f"'{host}' is not on the public internet, and port {port} of it is not opened; an operator opens it "
                f"with {SETTING}={_entry(host, port)}",
                detail=str(addresses), field="host", host=host, setting=SETTING,
            )  # fmt: skip
        return tuple(addresses)

    def check_http_port(self, place: Place) -> None:
        """Refuse ports of other protocols, unless the operator has opened exactly that port.

        Raises:
            ConfigError: naming the port.
        """
        port = place.port
        if port in {80, 443} or (port > 1023 and port not in _OTHER_PROTOCOLS):
            return
        if not any(rule.port == port for rule in self.rules):
            raise ConfigError(
                f"port {port} of '{place.host}' is not one for HTTP; correct the address, or an operator opens it with "
                f"{SETTING}={_entry(place.host, port)}",
                field="host", host=place.host, setting=SETTING,
            )  # fmt: skip


def effective(address: Address) -> Address:
    """The address that packets reach: an IPv4 one inside IPv6 counts as itself."""
    if isinstance(address, IPv6Address) and any(address in network for network in _MAPPED) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def parse_allow(entries: Sequence[str]) -> EgressPolicy:
    """A policy from the operator's list.

    Args:
        entries: `private`, or a network, address or name, each with `:port` or without; IPv6 with a port in brackets.

    Raises:
        ConfigError: naming the entry.
    """
    rules: list[Rule] = []
    for entry in entries:
        if entry == PRIVATE:
            rules += [Rule(network=network) for network in _PRIVATE]
            continue
        place, port = _split(entry)
        try:
            network = ip_network(place, strict=False)
        except ValueError:
            rules.append(Rule(name=_name(entry, place), port=port))
            continue
        if any(network.version == never.version and network.subnet_of(never) for never in _NEVER):  # type: ignore[arg-type]
            raise ConfigError(f"{SETTING} has '{entry}', which is never opened; remove it", variable=SETTING)
        rules.append(Rule(network=network, port=port))
    return EgressPolicy(tuple(rules))


def _split(entry: str) -> tuple[str, int]:
    """Place and port (0 = all) of an entry."""
    if entry.startswith("["):
        place, end, rest = entry[1:].partition("]")
        port = rest.removeprefix(":") if end and rest else "0" if end else ""
    elif entry.count(":") == 1:
        place, _, port = entry.partition(":")
    else:
        place, port = entry, "0"
    if not (port.isascii() and port.isdigit() and int(port) < 65536) or not place:
        raise ConfigError(_WRONG.format(SETTING, entry), variable=SETTING)
    return place, int(port)


_WRONG = "{} has '{}'; write a network, address or name, each with :port or without, or 'private', separated by commas"


def _name(entry: str, name: str) -> str:
    try:
        return checked_host(name)
    except ConfigError:
        raise ConfigError(_WRONG.format(SETTING, entry), variable=SETTING) from None


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def current_policy() -> EgressPolicy:
    """The policy of this process, from its environment."""
    return _policy(os.environ.get(SETTING, ""))


@lru_cache(maxsize=8)
def _policy(text: str) -> EgressPolicy:
    return parse_allow([part.strip() for part in text.split(",") if part.strip()])


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Addresses of a name, as this machine finds them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_host(
    host: str, port: int, *, policy: EgressPolicy | None = None, resolver: Resolver = system_resolver
) -> tuple[str, ...]:
    """Addresses of a host that may be reached; connect to one of them, not to the name.

    Args:
        host: As the user wrote it.
        port: Port that will be used.
        policy: Default: that of the process.
        resolver: Default: the system's.

    Raises:
        ConfigError: the host cannot be read, is not known, or may not be reached.
        TransientError: the name service does not answer.
    """
    host = checked_host(host)
    policy = current_policy() if policy is None else policy
    try:
        addresses: Sequence[str] = (str(ip_address(host)),)
    except ValueError:
        addresses = _resolved(host, port, resolver)
    return policy.check(host, port, addresses)


def dial(address: str, port: int, *, timeout_s: float) -> socket.socket:
    """A connection to an address that `check_host` has given; for clients that take a socket."""
    ip_address(address)
    return socket.create_connection((address, port), timeout=timeout_s)


def hang_up(link: Any, *, linger_s: float = 1.0) -> None:
    """End a connection so that the other side reads all that was sent: read up to its end, then let the owner close.

    A socket that is closed over unread bytes resets what was sent before.
    """
    with contextlib.suppress(OSError):
        link.settimeout(linger_s)
        link.shutdown(socket.SHUT_WR)
        end = time.monotonic() + linger_s
        while link.recv(65_536) and time.monotonic() < end:
            pass


def _resolved(host: str, port: int, resolver: Resolver) -> Sequence[str]:
    try:
        addresses = resolver(host, port)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise TransientError(
                f"the name service does not answer for the host '{host}'; it is tried again", detail=str(error)
            ) from None
        raise ConfigError(
            f"the host '{host}' is not known; correct its name", detail=str(error), field="host"
        ) from None
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"the host '{host}' cannot be looked up; correct its name", detail=str(error), field="host"
        ) from None
    if not addresses:
        raise ConfigError(f"the host '{host}' has no address; correct its name", field="host")
    return [address.partition("%")[0] for address in addresses]


def check_url(url: str, *, policy: EgressPolicy | None = None) -> Place:
    """The place a URL names, if its form, scheme and port are allowed. Addresses are judged when connecting.

    Raises:
        ConfigError: they are not.
    """
    policy = current_policy() if policy is None else policy
    place = checked_url(url, policy.schemes)
    policy.check_http_port(place)
    return place
