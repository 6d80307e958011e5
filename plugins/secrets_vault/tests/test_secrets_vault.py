"""Against a server of ours that answers as Vault's documentation says: `recorded`, no real Vault was asked.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and .../api-docs/auth/approle
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from headrace.sdk import AuthError, ConfigError, HeadraceError, Secret, TransientError, parse_config
from headrace_plugin_secrets_vault import VaultConfig
from headrace_plugin_secrets_vault.backend import VaultBackend

CANARY = "canary-of-the-vault"
ROOT, ROLE, SECRET_ID = "hvs.canary-root", "role-1", "canary-secret-id"
ONE, TWO = uuid4(), uuid4()
META = {"created_time": "2026-01-01T00:00:00Z", "custom_metadata": None, "deletion_time": "", "destroyed": False,
        "version": 2}  # fmt: skip


class Vault(ThreadingHTTPServer):
    """The few addresses that are asked, and what they were asked with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = {ROOT}
        self.lease_s = 1200
        self.logins = 0
        self.status = 200
        self.asked: list[tuple[str, str, str | None]] = []
        self.data: dict[str, Any] = {
            "kv/data/headrace/shop": {"password": CANARY, "port": 5432},
            f"kv/data/headrace/{ONE}/db": {"password": CANARY},
            "kv/data/other/boss": {"password": CANARY},
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Vault

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _begin(self) -> str | None:
        path = self.path.removeprefix("/v1/")
        self.server.asked.append((self.command, path, self.headers.get("X-Vault-Namespace")))
        if self.server.status != 200:
            self._answer(self.server.status, {"errors": ["Vault is sealed"]})
            return None
        return path

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        if self.headers.get("X-Vault-Token") not in self.server.tokens or self.headers.get("X-Vault-Request") != "true":
            self._answer(403, {"errors": ["permission denied"]})
        elif path == "kv/data/headrace/deleted":
            self._answer(404, {"data": {"data": None, "metadata": {**META, "deletion_time": "2026-01-02T00:00:00Z"}}})
        elif path in self.server.data:
            found = {"data": self.server.data[path], "metadata": META}
            self._answer(
                200, {"request_id": "x", "lease_id": "", "renewable": False, "lease_duration": 0, "data": found}
            )
        else:
            self._answer(404, {"errors": []})

    def do_POST(self) -> None:
        path = self._begin()
        if path is None:
            return
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path != "auth/approle/login" or given != {"role_id": ROLE, "secret_id": SECRET_ID}:
            self._answer(400, {"errors": ["invalid role or secret ID"]})
            return
        self.server.logins += 1
        token = f"hvs.canary-{self.server.logins}"
        self.server.tokens = {ROOT, token}
        auth = {"client_token": token, "accessor": "a", "policies": ["default"], "lease_duration": self.server.lease_s,
                "renewable": True}  # fmt: skip
        self._answer(200, {"request_id": "x", "lease_id": "", "data": None, "auth": auth})


@pytest.fixture
def vault() -> Iterator[Vault]:
    server = Vault()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def backend(vault: Vault, **more: Any) -> VaultBackend:
    given = {"url": vault.url, "mount": "kv", "prefix": "headrace/", **more}
    if not {"token_file", "role_id"} & more.keys():
        given.setdefault("token", ROOT)
    return VaultBackend(parse_config(VaultConfig, given))


def test_a_token_reads_the_newest_version(vault: Vault) -> None:
    assert backend(vault).read("headrace/shop#password", ONE) == Secret(CANARY)
    assert backend(vault, namespace="team").read("headrace/shop#port", ONE) == Secret("5432")
    assert vault.asked == [("GET", "kv/data/headrace/shop", None), ("GET", "kv/data/headrace/shop", "team")]


def test_an_approle_signs_in_once_and_again_when_its_token_is_gone(vault: Vault) -> None:
    opened = backend(vault, role_id=ROLE, secret_id=SECRET_ID)
    for _ in range(3):
        assert opened.read("headrace/shop#password", ONE).reveal() == CANARY
    assert vault.logins == 1
    vault.tokens = set()
    assert opened.read("headrace/shop#password", ONE).reveal() == CANARY
    assert vault.logins == 2
    vault.lease_s = 1
    vault.tokens = set()
    assert opened.read("headrace/shop#password", ONE).reveal() == CANARY
    assert opened.read("headrace/shop#password", ONE).reveal() == CANARY
    assert vault.logins == 4, "a lease that is about to end is not used"


def test_a_token_file_is_followed(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "token"
    opened = backend(vault, token_file=str(file))
    with pytest.raises(TransientError):
        opened.read("headrace/shop#password", ONE)
    file.write_text(f"{ROOT}\n")
    assert opened.read("headrace/shop#password", ONE).reveal() == CANARY


OUTSIDE = (
    "other/boss#password", "headrace/../other/boss#password", "headrace/shop", "#password", "/headrace/shop#password",
    "headrace/shop#", "headrace//shop#x", "", "headrace%2f..#x", "headrace/shop?version=1#password",
    "headrace/shop#password\n",
)  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_outside_of_the_prefix_are_never_asked_for(vault: Vault, name: str) -> None:
    with pytest.raises(ConfigError, match="may not be used here"):
        backend(vault).read(name, ONE)
    assert vault.asked == []


def test_organizations_have_their_own(vault: Vault) -> None:
    opened = backend(vault, prefix="headrace/{organization}/")
    assert opened.read(f"headrace/{ONE}/db#password", ONE).reveal() == CANARY
    with pytest.raises(ConfigError, match="may not be used here"):
        opened.read(f"headrace/{ONE}/db#password", TWO)


@pytest.mark.parametrize(("more", "status", "name", "kind"), [
    ({}, 200, "headrace/none#password", ConfigError), ({}, 200, "headrace/deleted#password", ConfigError),
    ({}, 200, "headrace/shop#none", ConfigError),
    ({"token": "hvs.canary-wrong"}, 200, "headrace/shop#password", AuthError),
    ({"role_id": ROLE, "secret_id": "canary-wrong"}, 200, "headrace/shop#password", AuthError),
    ({}, 503, "headrace/shop#password", TransientError), ({}, 429, "headrace/shop#password", TransientError),
])  # fmt: skip
def test_errors_name_the_reference_and_no_secret(
    vault: Vault, more: dict[str, str], status: int, name: str, kind: type[HeadraceError]
) -> None:
    vault.status = status
    with pytest.raises(kind) as caught:
        backend(vault, **more).read(name, ONE)
    assert f"'vault:{name}'" in caught.value.message
    assert "canary" not in repr(caught.value.__dict__)


def test_a_vault_that_is_away_is_tried_again(vault: Vault) -> None:
    opened = backend(vault)
    vault.shutdown()
    vault.server_close()
    with pytest.raises(TransientError):
        opened.read("headrace/shop#password", ONE)


@pytest.mark.parametrize("given", [
    {"url": "http://vault.example.org:8200", "token": "x"}, {"url": "https://vault.example.org:8200"},
    {"url": "https://vault.example.org", "token": "x", "role_id": "r", "secret_id": "s"},
    {"url": "ftp://vault.example.org", "token": "x"}, {"url": "https://vault.example.org", "token": "x", "prefix": ""},
    {"url": "https://vault.example.org", "token": "x", "prefix": "headrace"},
])  # fmt: skip
def test_a_section_that_cannot_be_right_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        VaultBackend(parse_config(VaultConfig, {"prefix": "headrace/", **given}))
