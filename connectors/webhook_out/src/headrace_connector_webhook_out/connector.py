"""The work: sign, send through the door, try again where that is harmless."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from headrace.kits.http.auth import SignIn
from headrace.kits.http.session import Session
from headrace.sdk import ConfigError, Connector, Stream
from headrace.sdk.egress_http import EgressClient
from msgspec import Struct

from headrace_connector_webhook_out import EventInput, EventOutput, WebhookOutConfig


class WebhookOutConnector(Connector[WebhookOutConfig]):
    """One address."""

    _session: Session | None = None

    def session(self) -> Session:
        """The other side, opened at first use."""
        if self._session is None:
            client = EgressClient(answer_bytes=1024 * 1024, deadline_s=30)
            self._session = Session(
                self.config.url, SignIn(None, self.config, client), client, headers=self.config.headers
            )
        return self._session

    def check(self) -> None:
        """A HEAD of the address: there is somebody, and it is not refused. An address may well take only POST."""
        self._key()
        try:
            self.session().call("HEAD", self.session().url(""), attempts=1)
        except ConfigError as error:
            if error.details.get("status") not in {400, 404, 405, 406, 415, 422}:
                raise

    def discover(self) -> Sequence[Stream]:
        """None: nothing is read."""
        return []

    def act(self, action: str, value: Struct, *, key: str) -> EventOutput:
        """Send an event; the same key is the same event.

        Raises:
            DataError: the other side refuses the event.
            AuthError, TransientError: as it answers.
        """
        given = msgspec.convert(msgspec.to_builtins(value), EventInput)
        event_id = f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        at = int(time.time())
        stamp = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
        body = msgspec.json.encode({"type": given.type, "timestamp": stamp, "data": given.data})
        headers = {"webhook-id": event_id, "webhook-timestamp": str(at), **self._signature(event_id, at, body)}
        answer = self.session().call("POST", self.session().url(""), body=body, headers=headers, changes=True,
                                     repeatable=True)  # fmt: skip
        return EventOutput(answer.status, event_id)

    def _signature(self, event_id: str, at: int, body: bytes) -> dict[str, str]:
        secret = self._key()
        if not secret:
            return {}
        digest = hmac.new(secret, f"{event_id}.{at}.".encode() + body, hashlib.sha256).digest()
        return {"webhook-signature": f"v1,{b64encode(digest).decode()}"}

    def _key(self) -> bytes:
        text = self.config.secret.reveal()
        if not text.startswith("whsec_"):
            return text.encode()
        try:
            return b64decode(text.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise ConfigError("the secret begins with whsec_, but no base64 follows; enter it again",
                              field="secret") from None  # fmt: skip

    def close(self) -> None:
        """Close the link."""
        if self._session is not None:
            self._session.close()
            self._session = None
