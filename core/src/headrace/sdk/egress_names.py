"""One strict reading of hosts and URLs: what two programs could read in two ways is refused."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from headrace.sdk.errors import ConfigError

URL_MAX = 8_192
PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)((?:[/?#].*)?)", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")
_DOTS = "\u3002\uff0e\uff61"
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Place(Struct, frozen=True):
    """Where a URL leads.

    Attributes:
        scheme: Lower case.
        host: Lower case; IPv6 without brackets, other alphabets in their ASCII form.
        port: Given, or the scheme's.
        url: The URL, its host in that form.
    """

    scheme: str
    host: str
    port: int
    url: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what credentials belong to."""
        return (self.scheme, self.host, self.port)


def checked_url(url: str, schemes: frozenset[str] = frozenset(PORTS)) -> Place:
    """Read a URL.

    Raises:
        ConfigError: it can be read in two ways, or its scheme is not allowed; the message does not repeat it.
    """
    if not url or len(url) > URL_MAX:
        raise _wrong("is empty or too long")
    if any(ord(c) <= 0x20 or 0x7F <= ord(c) <= 0xA0 or c in "\\\u2028\u2029\ufeff" for c in url):
        raise _wrong("holds a space, a control character or a backslash")
    found = _URL.fullmatch(url)
    if found is None:
        raise _wrong("has not the form scheme://host/path")
    scheme, authority, rest = found[1].lower(), found[2], found[3]
    if scheme not in schemes:
        raise _wrong(f"begins with '{scheme[:20]}:', which is not {' or '.join(sorted(schemes))}")
    if "@" in authority:
        raise _wrong("holds a user name; give it in the authentication")
    if "%" in authority:
        raise _wrong("has an encoded host")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or (authority.endswith(":")):
        raise _wrong("has a host or port that cannot be read")
    port = int(parts[2]) if parts[2] else PORTS.get(scheme, 0)
    if not 0 < port < 65_536:
        raise _wrong("has no usable port")
    bracketed = parts[1].startswith("[")
    host = checked_host(parts[1][1:-1] if bracketed else parts[1])
    if bracketed != (":" in host):
        raise _wrong("has a host that cannot be read")
    shown = f"[{host}]" if bracketed else host
    return Place(scheme, host, port, f"{scheme}://{shown}{f':{parts[2]}' if parts[2] else ''}{rest}")


def checked_host(host: str) -> str:
    """Read a host: a name, a plain IPv4 address or an IPv6 one.

    Raises:
        ConfigError: it is something else.
    """
    if not host or len(host) > 253:
        raise _bad("it is empty or too long")
    if not host.isascii():
        host = _ascii(host)
    host = host.lower()
    if ":" in host:
        return _ipv6(host)
    if host.endswith("."):
        raise _bad("it ends with a dot; leave the dot out")
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad("it holds characters that no host name has")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise _bad("an address is written as four decimal numbers, e.g. 192.0.2.1") from None
    return host


def _ipv6(host: str) -> str:
    if "%" in host:
        raise _bad("an address with a zone is never opened")
    try:
        return str(IPv6Address(host))
    except ValueError:
        raise _bad("it is no IPv6 address") from None


def _ascii(host: str) -> str:
    """The ASCII form of a name in another alphabet, if there is exactly one reading of it."""
    import idna

    if unicodedata.normalize("NFKC", host) != host or any(c in _DOTS for c in host):
        raise _bad("it holds characters that are read as others; write it in plain ones")
    try:
        return idna.encode(host).decode()
    except idna.IDNAError:
        raise _bad("it holds characters that no host name has") from None


def _wrong(reason: str) -> ConfigError:
    return ConfigError(f"the address {reason}; correct it", field="url")


def _bad(reason: str) -> ConfigError:
    return ConfigError(f"the host cannot be used: {reason}", field="host")
