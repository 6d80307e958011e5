"""What the connectors of Microsoft Graph declare alike: OneDrive and SharePoint are one service."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk.config import Config, Field, Secret
from headrace.sdk.manifests import OAuthFlow

LOGIN = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"


class GraphConfig(Config, kw_only=True):
    """Who signs in to Microsoft Graph."""

    auth: Annotated[
        Literal["oauth2_code", "client_credentials"],
        Field("Sign-in", order=0,
              enum_labels={"oauth2_code": "Connected by a person", "client_credentials": "An app by itself"}),
    ] = "oauth2_code"  # fmt: skip
    tenant: Annotated[
        str, Field("Tenant", "Its id or domain; an app by itself needs it.", pattern=r"^[\w.\-]+$", order=1)
    ] = "common"
    client_id: Annotated[str, Field("Client id", "Of the app registration.", order=2)] = ""
    client_secret: Annotated[Secret, Field("Client secret", order=3)] = Secret("")
    endpoint: Annotated[str, Field("Endpoint", "Of a national cloud: its Graph address.", advanced=True, order=20)] = (
        "https://graph.microsoft.com/v1.0"
    )
    authorize_url: Annotated[str, Field("Authorization address", "Of a national cloud.", advanced=True, order=21)] = ""
    token_url: Annotated[str, Field("Token address", "Of a national cloud.", advanced=True, order=22)] = ""


def graph_flow(scope: str) -> OAuthFlow:
    """How a person connects it."""
    return OAuthFlow(
        authorize_url=f"{LOGIN}/authorize", token_url=f"{LOGIN}/token", scope=f"offline_access {scope}",
        client_auth="form",
    )  # fmt: skip
