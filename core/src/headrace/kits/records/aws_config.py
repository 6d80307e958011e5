"""What a connection to a service of AWS says; light, for declarations."""

from __future__ import annotations

from typing import Annotated

from headrace.sdk.config import Config, Field, Secret


class AwsConfig(Config, kw_only=True):
    """How to reach a service of AWS."""

    region: Annotated[str, Field("Region", examples=["eu-central-1"], pattern=r"^[a-z0-9-]{1,40}$", order=0)]
    access_key_id: Annotated[str, Field("Access key id", min_length=1, order=1)]
    secret_access_key: Annotated[Secret, Field("Secret access key", order=2)]
    session_token: Annotated[Secret, Field("Session token", "Of temporary credentials.", advanced=True, order=3)] = (
        Secret("")
    )
    endpoint_url: Annotated[
        str, Field("Endpoint", "Of a compatible service; empty is AWS itself.", advanced=True, order=4)
    ] = ""
