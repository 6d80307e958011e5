"""What the message triggers share: an address that may be reached, TLS, and messages as events."""

from __future__ import annotations

import contextlib
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from headrace.sdk import Event
from headrace.sdk.egress import check_host

from headrace_node_triggers.broker_configs import BrokerConfig


class Place(msgspec.Struct, frozen=True):
    """A judged address to dial, and the name that its certificate is for."""

    name: str
    address: str
    port: int

    @classmethod
    def of(cls, config: BrokerConfig, usual: int) -> Place:
        """Where a config leads.

        Raises:
            ConfigError: the host is not known, or may not be reached.
        """
        port = config.port or usual
        return cls(config.host, check_host(config.host, port)[0], port)


def tls_context() -> ssl.SSLContext:
    """The system's certificates, names checked, TLS 1.2 and later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def event(key: str, body: bytes, facts: Mapping[str, Any]) -> Event:
    """A message: an object is one row, a list of objects its rows, anything else `text` or `base64`."""
    content: Any = None
    with contextlib.suppress(msgspec.DecodeError, RecursionError):
        content = msgspec.json.decode(body)
    if isinstance(content, dict):
        rows = [content]
    elif isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
        rows = content
    else:
        rows = [text_of(body)]
    return Event(key=key, rows=rows, data={"message": dict(facts)})


def text_of(body: bytes) -> dict[str, str]:
    """Bytes as a row."""
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}
