"""LDAP through the door: TLS for a directory whose address was judged before it is dialled."""

from __future__ import annotations

import ssl
import warnings
from typing import Any

from headrace.sdk.errors import ConfigError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it uses names that pyasn1 has renamed
    import ldap3

__all__ = ["EgressTls", "ldap3"]


class EgressTls(ldap3.Tls):  # type: ignore[misc]
    """TLS as Python checks it: the certificate is of the name that was configured, not of the address dialled.

    Args:
        host: The name.
        certificates: PEM of the authorities that are trusted; empty: those of this machine.

    Raises:
        ConfigError: they cannot be read.
    """

    def __init__(self, host: str, certificates: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        try:
            self._context = ssl.create_default_context(cadata=certificates or None)
        except (ssl.SSLError, ValueError):
            raise ConfigError("the CA certificates cannot be read; paste them as PEM", field="certificates") from None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """As `ldap3.Tls.wrap_socket`."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
