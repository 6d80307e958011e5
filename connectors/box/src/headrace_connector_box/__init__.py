"""Box."""

from typing import Annotated, Literal

from headrace.kits.files.declare import PersonConfig, files_manifest
from headrace.sdk import ConnectorManifest, Field, Secret, hookimpl
from headrace.sdk.manifests import OAuthFlow

TOKEN_URL = "https://api.box.com/oauth2/token"  # noqa: S105 - an address
DOCS = """Files of a Box account, or of one folder of it. Names differ by more than the case of letters. Web links are
no files, and are left out."""


class BoxConfig(PersonConfig, kw_only=True):
    """Whose files, and which folder of them."""

    auth: Annotated[
        Literal["oauth2_code", "jwt"],
        Field("Sign-in", enum_labels={"oauth2_code": "Connected by a person", "jwt": "An app by itself (JWT)"},
              order=0),
    ] = "oauth2_code"  # fmt: skip
    private_key: Annotated[
        Secret,
        Field("App settings", "The JSON file that the developer console gives with a key pair.",
              visible_if={"auth": "jwt"}, order=1),
    ] = Secret("")  # fmt: skip
    user: Annotated[
        str,
        Field("Act as", "Id of a user; empty is the app's own account, into which folders have to be shared.",
              visible_if={"auth": "jwt"}, advanced=True, order=2),
    ] = ""  # fmt: skip
    folder: Annotated[
        str, Field("Folder", "The id at the end of its address; 0 is all.", pattern=r"^\d{1,20}$", order=3)
    ] = "0"
    endpoint: Annotated[str, Field("Endpoint", advanced=True, order=4)] = "https://api.box.com/2.0"
    upload_endpoint: Annotated[str, Field("Endpoint of uploads", advanced=True, order=5)] = (
        "https://upload.box.com/api/2.0"
    )
    token_url: Annotated[str, Field("Token address", advanced=True, order=6)] = TOKEN_URL


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        files_manifest(
            __name__, "Box", "Files of a Box account", BoxConfig, icon="lucide:box", proof="contract", docs=DOCS,
            oauth=OAuthFlow(
                authorize_url="https://account.box.com/api/oauth2/authorize", token_url=TOKEN_URL, client_auth="form"
            ),
        )
    ]  # fmt: skip
