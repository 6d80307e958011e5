"""Where the tables of a lake are; light, for declarations."""

from __future__ import annotations

from typing import Annotated

from headrace.sdk.config import Config, Field, Secret
from headrace.sdk.manifests import Capability

LAKE = frozenset(
    {
        Capability.READ, Capability.WRITE, Capability.UPSERT, Capability.MERGE, Capability.SCAN, Capability.INCREMENTAL,
        Capability.DRIFT,
    }
)  # fmt: skip
"""What a lake can do."""
_IN_BUCKET = {"group": "Bucket"}


class LakeConfig(Config, kw_only=True):
    """A folder below the files folder of this install, or one in a bucket."""

    root: Annotated[
        str,
        Field(
            "Folder", "Below the files folder of this install, or in the bucket; `.` is that itself.",
            examples=[".", "lake"], order=0,
        ),
    ] = "."  # fmt: skip
    bucket: Annotated[
        str,
        Field("Bucket", "On Amazon S3 or a compatible store; empty: the tables lie in the folder.",
              pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9._\-]{1,253}$", order=10, **_IN_BUCKET),
    ] = ""  # fmt: skip
    access_key: Annotated[str, Field("Access key", "Empty for a public bucket.", order=11, **_IN_BUCKET)] = ""
    secret_key: Annotated[Secret, Field("Secret key", order=12, **_IN_BUCKET)] = Secret("")
    region: Annotated[
        str, Field("Region", "As the store has it.", pattern=r"^[a-z0-9\-]{1,40}$", order=13, **_IN_BUCKET)
    ] = "us-east-1"
    endpoint: Annotated[
        str,
        Field("Endpoint", "Of another store than Amazon's, e.g. https://minio.example.org.", order=14, **_IN_BUCKET),
    ] = ""
    session_token: Annotated[
        Secret, Field("Session token", "Of temporary keys.", advanced=True, order=15, **_IN_BUCKET)
    ] = Secret("")
