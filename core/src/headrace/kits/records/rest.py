"""Services that speak JSON over HTTP: one call, through the door, with refusals as our errors."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from headrace.kits.http.pace import retry_after_s
from headrace.kits.records.connector import RecordsConnector
from headrace.kits.records.place import tls_context
from headrace.sdk.config import ConfigT
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import ConfigError, HeadraceError, TransientError

SAID_MAX = 200
_JSON = msgspec.json.Encoder(enc_hook=str)


def path_of(*parts: str) -> str:
    """A path whose parts are names, whatever they hold."""
    return "/".join(quote(part, safe="") for part in parts)


class JsonConnector(RecordsConnector[ConfigT]):
    """One service; its config has host, port, tls, and user and password or others that `credentials` uses."""

    _client: EgressClient | None = None

    def credentials(self) -> dict[str, str]:
        """Headers that only the service sees."""
        config: Any = self.config
        if not config.user:
            return {}
        login = f"{config.user}:{config.password.reveal()}".encode()
        return {"Authorization": f"Basic {b64encode(login).decode()}"}

    def call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, data: Any = None, body: bytes = b"",
        kind: str = "application/json", missing: Any = ...,
    ) -> Any:  # fmt: skip
        """What the service answers, decoded.

        Args:
            method: Upper case.
            path: Without the first `/`; made by `path_of` where it holds names.
            params: Of the query.
            data: Sent as JSON.
            body: Sent as it is.
            kind: Of the body.
            missing: The answer if there is no such thing; without it that is an error.

        Raises:
            AuthError, ConfigError, TransientError: by the answer's status.
        """
        config: Any = self.config
        scheme = "https" if getattr(config, "tls", False) else "http"
        host = f"[{config.host}]" if ":" in config.host else config.host
        url = f"{scheme}://{host}:{config.port}/{path}" + (f"?{urlencode(params)}" if params else "")
        self._client = self._client or EgressClient(context=self._context())
        answer = self._client.request(
            method, url, headers={"Accept": "application/json", "Content-Type": kind}, credentials=self.credentials(),
            body=_JSON.encode(data) if data is not None else body,
        )  # fmt: skip
        if answer.status == 404 and missing is not ...:
            return missing
        if answer.status >= 300:
            raise self.refusal(answer)
        return msgspec.json.decode(answer.body) if answer.body.strip() else None

    def _context(self) -> ssl.SSLContext | None:
        """Checks certificates by the authority that the config gives, if it does."""
        authority = getattr(self.config, "authority", "")
        return tls_context(authority) if authority else None

    def refusal(self, answer: Answer) -> HeadraceError:
        """One of our errors for an answer of 300 and more."""
        status, words = answer.status, f"{answer.status} {said(answer.body)}".strip()
        if status in {401, 403}:
            return self.refused(words)
        if status in {408, 425, 429} or status >= 500:
            wait = retry_after_s(answer.headers.get("retry-after", ""))
            text = f"{self.where} cannot answer now ({words}); it is tried again"
            return TransientError(text, retry_after_s=wait, status=status)
        return ConfigError(f"{self.where} refuses the request ({words}); correct it", status=status)

    def hang_up(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def said(body: bytes) -> str:
    """The service's own short words."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    while isinstance(found, dict):
        found = next((found[name] for name in ("reason", "message", "error", "type") if name in found), None)
    text = found if isinstance(found, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SAID_MAX]
