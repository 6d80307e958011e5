"""Dropbox."""

from typing import Annotated, Literal

from headrace.kits.files.declare import files_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl
from headrace.sdk.manifests import OAuthFlow

TOKEN_URL = "https://api.dropboxapi.com/oauth2/token"  # noqa: S105 - an address
DOCS = """Files of a Dropbox, or of one folder of it. Names differ by more than the case of letters. Paper documents are
no files, and are left out."""


class DropboxConfig(Config):
    """Whose Dropbox, and which folder of it."""

    auth: Annotated[
        Literal["oauth2_code", "refresh_token"],
        Field("Sign-in", enum_labels={"oauth2_code": "Connected by a person", "refresh_token": "Refresh token"},
              order=0),
    ] = "oauth2_code"  # fmt: skip
    client_id: Annotated[str, Field("App key", order=1)] = ""
    client_secret: Annotated[Secret, Field("App secret", order=2)] = Secret("")
    refresh_token: Annotated[
        Secret, Field("Refresh token", "One that was given for offline use.", visible_if={"auth": "refresh_token"},
                      order=3),
    ] = Secret("")  # fmt: skip
    folder: Annotated[str, Field("Folder", "Empty is all.", examples=["/Reports/2026"], order=4)] = ""
    namespace: Annotated[
        str, Field("Namespace", "Id of a team's space or folder; empty is the person's own.", advanced=True, order=5)
    ] = ""
    endpoint: Annotated[str, Field("Endpoint", advanced=True, order=6)] = "https://api.dropboxapi.com"
    content_endpoint: Annotated[str, Field("Endpoint of contents", advanced=True, order=7)] = (
        "https://content.dropboxapi.com"
    )
    token_url: Annotated[str, Field("Token address", advanced=True, order=8)] = TOKEN_URL


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Dropbox", "Files of a Dropbox", DropboxConfig, icon="lucide:inbox", proof="recorded", docs=DOCS,
            oauth=OAuthFlow(
                authorize_url="https://www.dropbox.com/oauth2/authorize", token_url=TOKEN_URL, client_auth="form",
                params={"token_access_type": "offline"},
            ),
        )
    ]  # fmt: skip
