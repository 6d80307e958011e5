"""What an install on one machine may reach beside public addresses; handed to its processes in so many words."""

from __future__ import annotations

from urllib.parse import urlsplit

from headrace.infra.settings import LOOPBACK, Settings
from headrace.sdk.egress import PRIVATE, SETTING

__all__ = ["SETTING", "allowance"]


def allowance(settings: Settings, *, host: str, port: int, demo: bool) -> str:
    """The value of `HEADRACE_EGRESS_ALLOW` for the processes of `headrace up`.

    A server that only this machine can call is its owner's own: private addresses are open. One that listens to the
    network has many users: there only the warehouse is, and for the demo the API itself.

    Args:
        settings: After the databases have started.
        host: Address the web server listens on.
        port: Its port.
        demo: Whether the demo is made.
    """
    entries = list(settings.egress_allow)
    if not entries and host and host in LOOPBACK:
        entries.append(PRIVATE)
    warehouse = urlsplit(settings.warehouse_url.reveal())
    if warehouse.hostname and warehouse.port:
        name = f"[{warehouse.hostname}]" if ":" in warehouse.hostname else warehouse.hostname
        entries.append(f"{name}:{warehouse.port}")
    if demo and port:
        entries.append(urlsplit(settings.replace(host=host, port=port).own_url).netloc)
    return ",".join(dict.fromkeys(entries))
