"""Whose address a request comes from: the peer's, or what our own proxies say of it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from headrace.infra.settings import proxy_networks
from litestar.connection import ASGIConnection

from headrace_web.services import Services

HEADER = b"x-forwarded-for"
HOPS_MAX = 20


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The address of the client.

    `X-Forwarded-For` counts only when the peer is one of the trusted proxies, and is read from its end: the first
    address that is no trusted proxy is the client, whatever stands before it, which anybody may have written.
    """
    services: Services = connection.app.state.services
    given = b",".join(value for name, value in connection.scope["headers"] if name == HEADER).decode("latin-1")
    return client_of(peer_address(connection), given, services.settings.trusted_proxies)


def peer_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Who is at the other end of the connection, a proxy or the client; no header says so."""
    peer = connection.scope.get("client")
    return str(peer[0]) if peer else ""


def client_of(peer: str, forwarded: str, proxies: tuple[str, ...]) -> str:
    """The client, by the peer's address and the header."""
    trusted = proxy_networks(proxies)
    if not trusted or not forwarded or not _within(peer, trusted):
        return peer
    for hop in reversed(forwarded.split(",")[-HOPS_MAX:]):
        found = _address(hop)
        if found is None:
            return peer
        peer = str(found)
        if not _within(peer, trusted):
            break
    return peer


def network_of(address: str) -> str:
    """The address; of IPv6 the /64, of which anybody has all."""
    found = _address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found or address)


def _within(address: str, trusted: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    found = _address(address)
    return found is not None and any(found.version == one.version and found in one for one in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without port, in any of the usual ways to write one; IPv4 in IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
