"""Google Drive."""

from typing import Annotated, Literal

from headrace.kits.files.declare import PersonConfig, files_manifest
from headrace.sdk import ConnectorManifest, Field, Secret, hookimpl
from headrace.sdk.manifests import OAuthFlow

SCOPE = "https://www.googleapis.com/auth/drive"
DOCS = """Files of My Drive or of a shared drive. A Google Sheet is read as `Name.xlsx`, or by that name as `Name.csv`
(its first sheet), `.tsv` or `.ods`; a Google Doc as `Name.docx` or `Name.txt`. They are exported by Google, up to
10 MB, and never written. Of files with one name in one folder each has its id in its name, as in `sales (1a2B…).csv`.
Shortcuts are not followed; deleted files go to the trash."""


class GoogleDriveConfig(PersonConfig, kw_only=True):
    """Whose drive, and which folder of it."""

    auth: Annotated[
        Literal["oauth2_code", "service_account"],
        Field("Sign-in", enum_labels={"oauth2_code": "Connected by a person", "service_account": "Service account"},
              order=0),
    ] = "oauth2_code"  # fmt: skip
    private_key: Annotated[
        Secret,
        Field("Service account", "Its JSON key. Share the folder with the account's address.",
              visible_if={"auth": "service_account"}, order=1),
    ] = Secret("")  # fmt: skip
    user: Annotated[
        str,
        Field("Act as", "Address of a user, where an administrator lets the service account act for others.",
              visible_if={"auth": "service_account"}, advanced=True, order=2),
    ] = ""  # fmt: skip
    drive: Annotated[str, Field("Shared drive", "Its id; empty is My Drive.", order=3)] = ""
    folder: Annotated[
        str,
        Field("Folder", "The id at the end of its address, `drive.google.com/drive/folders/…`; empty is all.", order=4),
    ] = ""
    endpoint: Annotated[str, Field("Endpoint", "Of the API.", advanced=True, order=5)] = "https://www.googleapis.com"
    token_url: Annotated[str, Field("Token address", advanced=True, order=6)] = "https://oauth2.googleapis.com/token"  # noqa: S105


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Google Drive", "Files of My Drive or a shared drive", GoogleDriveConfig,
            icon="lucide:folder-open", proof="recorded", docs=DOCS,
            oauth=OAuthFlow(
                authorize_url="https://accounts.google.com/o/oauth2/v2/auth", scope=SCOPE, client_auth="form",
                token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
                params={"access_type": "offline", "prompt": "consent"},
            ),
        )
    ]  # fmt: skip
