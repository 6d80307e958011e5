"""Secrets in environment variables of the workers, below a prefix that the operator gives."""

from typing import Annotated

from headrace.sdk import Field, SecretBackendConfig, SecretBackendManifest, hookimpl, lazy


class EnvConfig(SecretBackendConfig, kw_only=True):
    """Which variables connections may name."""

    prefix: Annotated[
        str,
        Field(
            "Prefix",
            "Only variables that begin so are given. `{organization}` in it stands for the organization's id, 32 hex "
            "digits in upper case; without it every organization may name them.",
            pattern=r"^[A-Z][A-Z0-9_]{2,}(\{organization\}[A-Z0-9_]*)?$",
            examples=["FLOW_", "FLOW_{organization}_"],
        ),
    ]


@hookimpl
def headrace_secrets() -> list[SecretBackendManifest]:
    """Offer the backend."""
    return [
        SecretBackendManifest(
            id="env", title="Environment variables", config=EnvConfig,
            factory=lazy("headrace_plugin_secrets_env.backend:EnvironmentBackend"),
            summary="`env:NAME` is the variable NAME of the workers.",
        )
    ]  # fmt: skip
