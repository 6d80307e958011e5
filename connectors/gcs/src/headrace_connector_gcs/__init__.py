"""Google Cloud Storage."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class GcsConfig(Config):
    """Which bucket, and as which service account."""

    bucket: Annotated[str, Field("Bucket", pattern=r"^[a-z0-9][a-z0-9._\-]{1,221}$", examples=["sales"], order=0)]
    private_key: Annotated[
        Secret,
        Field("Service account", "The JSON key of a service account; empty for a public bucket.", order=1),
    ] = Secret("")
    prefix: Annotated[str, Field("Prefix", "Folder that the connection is limited to; empty is all.", order=2)] = ""
    endpoint: Annotated[str, Field("Endpoint", "Of a private access point or an emulator.", advanced=True, order=3)] = (
        "https://storage.googleapis.com"
    )


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Google Cloud Storage", "Files of a bucket on Google Cloud Storage", GcsConfig,
            icon="lucide:cloud", proof="emulator",
        )
    ]  # fmt: skip
