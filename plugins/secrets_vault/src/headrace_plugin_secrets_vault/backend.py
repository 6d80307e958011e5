"""Read from Vault: `GET /v1/<mount>/data/<path>`, signed in with a token or by `auth/<mount>/login`."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.sdk import ORGANIZATION, AuthError, ConfigError, Secret, SecretBackend, TransientError
from headrace.sdk.egress import EgressPolicy, Rule
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.egress_names import checked_url

from headrace_plugin_secrets_vault import VaultConfig

DEADLINE_S = 10.0
ANSWER_BYTES = 1024 * 1024
EARLY_S = 30.0
"""A token of an AppRole is fetched again so long before its lease ends."""
_NAME = re.compile(
    r"(?P<path>[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)#(?P<key>[A-Za-z0-9_.-]{1,200})"
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class VaultBackend(SecretBackend[VaultConfig]):
    """One Vault; the operator has named it, so it may be in a private network."""

    def __init__(self, config: VaultConfig) -> None:
        super().__init__(config)
        if bool(config.token) + bool(config.token_file) + bool(config.role_id and config.secret_id) != 1:
            raise ConfigError("give one of token, token_file, or role_id with secret_id")
        place = checked_url(config.url, frozenset({"http", "https"}))
        if place.scheme != "https" and place.host not in _LOOPBACK:
            raise ConfigError("the address of Vault must begin with https://", field="url")
        self._policy = EgressPolicy(rules=(Rule(name=place.host, port=place.port),))
        self._token, self._until = "", 0.0
        self._lock = threading.Lock()

    def read(self, name: str, organization_id: UUID) -> Secret:
        """The value of a key of the newest version."""
        prefix = self.config.prefix.replace(ORGANIZATION, str(organization_id))
        found = _NAME.fullmatch(name)
        if found is None or ".." in name or not found["path"].startswith(prefix):
            raise ConfigError(f"'vault:{name}' may not be used here; write vault:PATH#KEY with a path below '{prefix}'")
        path = f"{self.config.mount.strip('/')}/data/{found['path']}"
        answer = self._call("GET", path, name, token=self._signed_in(name))
        if answer.status == 403 and self.config.role_id:  # the lease may have been revoked
            self._forget()
            answer = self._call("GET", path, name, token=self._signed_in(name))
        if answer.status == 403:
            raise AuthError(f"Vault refuses 'vault:{name}' to our token; an operator gives it a policy to read it")
        if answer.status == 404:
            raise ConfigError(f"there is nothing at 'vault:{name}'; write it to Vault, or correct the reference")
        value = _at(answer, "data", "data", found["key"])
        if answer.status != 200 or value is None:
            raise ConfigError(f"there is no such key at 'vault:{name}'; write it to Vault, or correct the reference")
        return Secret(value if isinstance(value, str) else json.dumps(value))

    def _signed_in(self, name: str) -> str:
        config = self.config
        if config.token:
            return config.token.reveal()
        if config.token_file:
            try:
                return Path(config.token_file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise TransientError(f"the token file for 'vault:{name}' cannot be read; it is tried again") from None
        with self._lock:
            if self._token and time.monotonic() < self._until:
                return self._token
            body = json.dumps({"role_id": config.role_id, "secret_id": config.secret_id.reveal()}).encode()
            answer = self._call("POST", f"auth/{config.auth_mount.strip('/')}/login", name, body=body)
            token, lasts = _at(answer, "auth", "client_token"), _at(answer, "auth", "lease_duration")
            if answer.status != 200 or not isinstance(token, str) or not token:
                raise AuthError(f"Vault refuses our AppRole for 'vault:{name}'; an operator gives it a new secret id")
            self._token = token
            self._until = time.monotonic() + max(0.0, float(lasts or 0) - EARLY_S) if lasts else float("inf")
            return token

    def _forget(self) -> None:
        with self._lock:
            self._token = ""

    def _call(self, method: str, path: str, name: str, *, token: str = "", body: bytes = b"") -> Answer:
        """One request; what is away for now is said as such."""
        headers = {"X-Vault-Request": "true"}
        if self.config.namespace:
            headers["X-Vault-Namespace"] = self.config.namespace
        client = EgressClient(self._policy, answer_bytes=ANSWER_BYTES, deadline_s=DEADLINE_S)
        try:
            answer = client.request(
                method, f"{self.config.url.rstrip('/')}/v1/{path}", headers=headers,
                credentials={"X-Vault-Token": token} if token else None, body=body,
            )  # fmt: skip
        finally:
            client.close()
        if answer.status >= 500 or answer.status in {412, 429, 472, 473}:
            raise TransientError(
                f"Vault cannot give 'vault:{name}' now (it answers {answer.status}); it is tried again"
            )
        return answer


def _at(answer: Answer, *path: str) -> Any:
    """A part of the JSON; None where there is none."""
    try:
        found = json.loads(answer.body)
        for name in path:
            found = found[name]
    except (ValueError, KeyError, TypeError):
        return None
    return found
