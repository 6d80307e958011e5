"""Where a connection's secrets are sent: the fields of its config that say so, their defaults filled in.

Fields count by their name, and by what they hold: whatever reads as an address or a host is one. What is wrongly taken
for one costs entering a secret again; the other way round a secret would go astray.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from headrace.connections.references import Declared, without_secrets
from headrace.sdk.config import Secret, parse_config
from headrace.sdk.errors import ConfigError

NAMES = frozenset({
    "account", "address", "addresses", "base_url", "brokers", "dsn", "domain", "endpoint", "endpoint_url", "host",
    "hostaddr", "hosts", "instance", "issuer", "port", "proxy", "server", "servers", "service", "site", "socket",
    "ssl", "sslmode", "subdomain", "tls", "token_url", "uri", "url", "verify",
})  # fmt: skip
_WAYS = frozenset({"ssl", "sslmode", "tls", "verify"})
"""Names that say how, not where to."""
_HOST = re.compile(r"(?=.{4,253}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.[A-Za-z]{2,}\.?(:\d+)?", re.ASCII)


def moved(manifest: Declared, stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Paths whose address is another one than before. Of configs that do not fit, every value counts."""
    before, after = _addresses(manifest, stored), _addresses(manifest, given)
    if before is None or after is None:
        before, after = _plain(manifest, stored), _plain(manifest, given)
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def hosts(manifest: Declared, config: Mapping[str, Any]) -> set[str]:
    """The hosts themselves; of what names no host, the whole text."""
    found = _addresses(manifest, config)
    values = _plain(manifest, config) if found is None else found
    texts = {path: value for path, value in values.items() if isinstance(value, str) and value}
    return {_host(value) for path, value in texts.items() if path.rpartition(".")[2] not in _WAYS}


def _addresses(manifest: Declared, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Values by path, defaults filled in; None if the config does not fit, whatever its secrets are."""
    for absent in (False, True):
        try:
            parsed = parse_config(manifest.config, without_secrets(manifest, config, absent=absent))
        except ConfigError:
            continue
        plain = msgspec.to_builtins(parsed, enc_hook=lambda value: None if isinstance(value, Secret) else str(value))
        return {path: value for path, value in _leaves(plain) if _is_address(path, value)}
    return None


def _plain(manifest: Declared, config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_leaves(without_secrets(manifest, config)))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{path}.{number}")
    else:
        yield path, value


def _is_address(path: str, value: Any) -> bool:
    if NAMES & set(path.split(".")):
        return True
    return isinstance(value, str) and ("://" in value or bool(_HOST.fullmatch(value)) or _is_ip(value))


def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _host(text: str) -> str:
    try:
        name = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        name = None
    return (name or text).rstrip(".").lower()
