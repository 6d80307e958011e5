"""Secrets in HashiCorp Vault: its HTTP API, KV version 2, with a token or an AppRole."""

from typing import Annotated

from headrace.sdk import Field, Secret, SecretBackendConfig, SecretBackendManifest, hookimpl, lazy


class VaultConfig(SecretBackendConfig, kw_only=True):
    """Which Vault, how to sign in, and which paths connections may name."""

    url: Annotated[str, Field("Address", "E.g. https://vault.example.org:8200; http only on the same machine.")]
    prefix: Annotated[
        str,
        Field(
            "Prefix",
            "Only paths that begin so are given. `{organization}` in it stands for the organization's id; without it "
            "every organization may name them.",
            pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-/{}]*/$",
            examples=["headrace/", "headrace/{organization}/"],
        ),
    ]
    mount: Annotated[str, Field("Mount", "Where the KV engine is.", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_\-/]*$")] = (
        "secret"
    )
    namespace: Annotated[str, Field("Namespace", "Of Vault Enterprise; empty is none.")] = ""
    token: Annotated[Secret, Field("Token")] = Secret("")
    token_file: Annotated[str, Field("Token file", "Read each time, as an agent renews it.")] = ""
    role_id: Annotated[str, Field("Role id", "Of an AppRole, in the place of a token.")] = ""
    secret_id: Annotated[Secret, Field("Secret id", "Of the AppRole.")] = Secret("")
    auth_mount: Annotated[str, Field("Mount of AppRole", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_\-/]*$")] = "approle"


@hookimpl
def headrace_secrets() -> list[SecretBackendManifest]:
    """Offer the backend."""
    return [
        SecretBackendManifest(
            id="vault", title="HashiCorp Vault", config=VaultConfig,
            factory=lazy("headrace_plugin_secrets_vault.backend:VaultBackend"),
            summary="`vault:PATH#KEY` is the value of KEY in the newest version of the secret at PATH.",
        )
    ]  # fmt: skip
