"""MQTT through the door: a client that dials a judged address; the name stays for the certificate."""

from __future__ import annotations

from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from headrace.sdk.egress import dial, hang_up

REFUSED = frozenset({"Bad user name or password", "Not authorized"})
"""What a broker says of credentials that it does not take."""


class EgressMqtt(Client):
    """Not connected yet. Hangs up so that the broker reads the last acknowledgement.

    Args:
        address: Judged, in place of the name that `connect` is given.
        more: As `paho.mqtt.client.Client` takes it.
    """

    def __init__(self, address: str, **more: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **more)
        self._address = address

    def _create_socket_connection(self) -> Any:
        return dial(self._address, self._port, timeout_s=self._connect_timeout)

    def _sock_close(self) -> None:
        if self._sock is not None:
            hang_up(self._sock)
        super()._sock_close()
