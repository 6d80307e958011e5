"""Amazon S3 and stores that speak its protocol: MinIO, R2, B2, Ceph, Wasabi and others."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Capability, Config, ConnectorManifest, Field, Secret, hookimpl

BUCKET = r"^[A-Za-z0-9][A-Za-z0-9._\-]{1,253}$"


class S3Config(Config):
    """Which bucket, and with which keys."""

    bucket: Annotated[
        str, Field("Bucket", pattern=BUCKET, examples=["sales"], options_from="choices", allow_custom=True, order=5,
                   depends_on=["access_key", "secret_key", "region"])
    ]  # fmt: skip
    access_key: Annotated[str, Field("Access key", "Empty for a public bucket.", order=1)] = ""
    secret_key: Annotated[Secret, Field("Secret key", order=2)] = Secret("")
    region: Annotated[
        str, Field("Region", "As the store has it.", pattern=r"^[a-z0-9\-]{1,40}$", examples=["eu-central-1"], order=3)
    ] = "us-east-1"
    endpoint: Annotated[
        str, Field("Endpoint", "Of another store than Amazon's, e.g. https://minio.example.org.", order=4)
    ] = ""
    prefix: Annotated[str, Field("Prefix", "Folder that the connection is limited to; empty is all.", order=6)] = ""
    session_token: Annotated[Secret, Field("Session token", "Of temporary keys.", advanced=True, order=7)] = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Amazon S3", "Files of a bucket on Amazon S3 or a compatible store", S3Config,
            icon="lucide:cloud", proof="emulator", more=frozenset({Capability.CHOICES}),
        )
    ]  # fmt: skip
