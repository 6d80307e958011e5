"""OpenID Connect: Keycloak, Entra ID, Okta, Google, GitLab and everything else that speaks it."""

from typing import Annotated

from headrace.sdk import AuthProviderManifest, Config, Field, Secret, hookimpl, lazy


class OidcConfig(Config, kw_only=True):
    """How the provider knows us. Its addresses and keys are read from its discovery document."""

    issuer: Annotated[
        str,
        Field(
            "Issuer", "As the provider writes it; `/.well-known/openid-configuration` is below it.",
            examples=["https://id.example.org/realms/main"],
        ),
    ]  # fmt: skip
    client_id: Annotated[str, Field("Client ID", "Given by the provider for this application.", min_length=1)]
    client_secret: Annotated[Secret, Field("Client secret", "Empty for a public client; PKCE is used always.")] = (
        Secret("")
    )
    scopes: Annotated[str, Field("Scopes", "Separated by blanks; `openid` is needed.")] = "openid email profile"
    groups_claim: Annotated[str, Field("Groups", "Claim with the names of the groups.", advanced=True)] = "groups"
    roles_claim: Annotated[
        str, Field("Roles", "Claim with names of roles, which count as groups do; empty for none.", advanced=True)
    ] = "roles"
    email_is_verified: Annotated[
        bool,
        Field(
            "Addresses are verified", "The provider hands out the addresses itself and does not say `email_verified`. "
            "Never for a provider where people type their own address.",
            advanced=True,
        ),
    ] = False  # fmt: skip
    wants_second_factor: Annotated[
        bool, Field("Wants a second factor", "Refuse who did not use one at the provider (claim `amr`).", advanced=True)
    ] = False


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the provider; it is in every edition."""
    return [
        AuthProviderManifest(
            id="oidc", title="OpenID Connect", kind="redirect", config=OidcConfig, icon="lucide:log-in",
            factory=lazy("headrace_plugin_auth_oidc.provider:OidcProvider"),
            summary="Authorization code with PKCE; tokens signed with RS256 or ES256; keys follow their rotation.",
        )
    ]  # fmt: skip
