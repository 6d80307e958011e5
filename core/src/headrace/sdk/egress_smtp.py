"""SMTP through the door: a client that dials a judged address; the name stays for the certificate."""

from __future__ import annotations

import smtplib
import ssl
from ipaddress import ip_address
from typing import Any

from headrace.sdk.egress import check_host, dial
from headrace.sdk.errors import ConfigError

__all__ = ["EgressSmtp", "smtplib"]


class EgressSmtp(smtplib.SMTP):
    """Connected at once.

    Args:
        host: Name or address.
        port: Of the server.
        tls: The link is encrypted from its first byte, with this context; None: it is not, yet.
        plain: It stays readable, so the server has to be on this machine.
        timeout_s: For each step.

    Raises:
        ConfigError: the address is not allowed.
    """

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, plain: bool = False, timeout_s: float = 30
    ) -> None:
        self._tls, self._plain = tls, plain
        super().__init__(timeout=timeout_s)
        self.connect(host, port)
        self._host = host  # the name that STARTTLS checks

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        address = check_host(host, port)[0]
        if self._plain and not ip_address(address).is_loopback:
            raise ConfigError("without encryption mail would be readable; choose TLS or STARTTLS", field="security")
        made = dial(address, port, timeout_s=timeout)
        if self._tls is None:
            return made
        try:
            return self._tls.wrap_socket(made, server_hostname=host)
        except BaseException:
            made.close()
            raise
