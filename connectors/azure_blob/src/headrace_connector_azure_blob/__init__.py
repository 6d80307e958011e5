"""Azure Blob Storage and Data Lake Gen2."""

from typing import Annotated

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl


class AzureBlobConfig(Config):
    """Which container, and with which key."""

    account: Annotated[
        str,
        Field(
            "Account",
            pattern=r"^[a-z0-9]{3,24}$",
            expected="3 to 24 small letters and digits",
            examples=["shop"],
            order=0,
        ),
    ]
    container: Annotated[str, Field("Container", pattern=r"^[$a-z0-9][a-z0-9\-]{1,62}$", examples=["sales"], order=1)]
    account_key: Annotated[Secret, Field("Account key", "Empty where a SAS token is given.", order=2)] = Secret("")
    sas_token: Annotated[Secret, Field("SAS token", "Instead of a key, e.g. `sv=...&sig=...`.", order=3)] = Secret("")
    prefix: Annotated[str, Field("Prefix", "Folder that the connection is limited to; empty is all.", order=4)] = ""
    endpoint: Annotated[
        str, Field("Endpoint", "Of another cloud or an emulator; empty is Azure's public one.", advanced=True, order=5)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Azure Blob Storage", "Files of a container on Azure Blob Storage", AzureBlobConfig,
            icon="lucide:cloud", proof="emulator",
        )
    ]  # fmt: skip
