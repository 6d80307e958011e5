"""Believe headers of a proxy, and of nobody else."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from headrace.sdk import AuthProvider, ConfigError, Profile, SignInRefused

from headrace_plugin_auth_proxy import ProxyConfig

SECRET_HEADER = "x-headrace-proxy-secret"  # noqa: S105 - the name of a header
SECRET_MIN = 16
_WIDEST = {4: 8, 6: 16}
"""Shortest prefixes: a network wider than these is most likely everybody."""
_SENTENCE = "you came past the proxy that signs in here; use its address"


class ProxyProvider(AuthProvider[ProxyConfig]):
    """The peer of the connection is judged, never a header about it."""

    def check(self) -> None:
        """The addresses can be read, and are not everybody's."""
        self._trusted()
        secret = self.config.secret.reveal()
        if secret and len(secret) < SECRET_MIN:
            raise ConfigError(f"the shared secret has {SECRET_MIN} characters or more", field="secret")

    def identify(self, headers: Mapping[str, str], *, peer: str) -> Profile:
        """Who the proxy says it is."""
        self.check()
        address = _address(peer)
        if address is None or not any(address in network for network in self._trusted()):
            raise SignInRefused(_SENTENCE, detail=f"the connection comes from {peer}, which is not trusted")
        secret = self.config.secret.reveal()
        if secret and not hmac.compare_digest(secret.encode(), headers.get(SECRET_HEADER, "").encode()):
            raise SignInRefused(_SENTENCE, detail="the shared secret is absent or wrong")
        subject = _one(headers, self.config.user_header)
        if not subject:
            raise SignInRefused(_SENTENCE, detail=f"there is no header '{self.config.user_header}'")
        groups = headers.get(self.config.groups_header.lower(), "").replace("\n", ",").split(",")
        return Profile(
            subject=subject,
            email=_one(headers, self.config.email_header),
            email_verified=True,
            name=_one(headers, self.config.name_header),
            groups=tuple(group.strip() for group in groups if group.strip()),
        )

    def _trusted(self) -> list[IPv4Network | IPv6Network]:
        found = []
        for text in self.config.trusted:
            try:
                network = ip_network(text.strip())
            except ValueError:
                raise ConfigError(f"'{text}' is no address and no network; correct it", field="trusted") from None
            if network.prefixlen < _WIDEST[network.version]:
                raise ConfigError(f"'{text}' is nearly everybody; name the addresses of the proxy", field="trusted")
            found.append(network)
        return found


def _one(headers: Mapping[str, str], name: str) -> str:
    """A header that the proxy has replaced, not added beside the one that the client sent.

    Raises:
        SignInRefused: it came several times.
    """
    value = headers.get(name.lower(), "").strip()
    if "\n" in value:
        raise SignInRefused(
            _SENTENCE, detail=f"the header '{name}' came several times; have the proxy replace what clients send"
        )
    return value


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    """Of a connection; an IPv4 one inside IPv6 counts as itself."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
