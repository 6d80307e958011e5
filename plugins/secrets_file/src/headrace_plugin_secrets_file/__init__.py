"""Secrets in files of the workers, below a folder that the operator gives."""

from typing import Annotated

from headrace.sdk import Field, SecretBackendConfig, SecretBackendManifest, hookimpl, lazy


class FileConfig(SecretBackendConfig, kw_only=True):
    """Which files connections may name."""

    folder: Annotated[
        str,
        Field(
            "Folder",
            "Only files in it and below are given. `{organization}` in it stands for the organization's id; without it "
            "every organization may name them.",
            pattern=r"^/.+",
            examples=["/run/secrets", "/run/secrets/{organization}"],
        ),
    ]


@hookimpl
def headrace_secrets() -> list[SecretBackendManifest]:
    """Offer the backend."""
    return [
        SecretBackendManifest(
            id="file", title="Files", config=FileConfig,
            factory=lazy("headrace_plugin_secrets_file.backend:FileBackend"),
            summary="`file:NAME` is the text of the file NAME in the folder, without a line break at its end.",
        )
    ]  # fmt: skip
