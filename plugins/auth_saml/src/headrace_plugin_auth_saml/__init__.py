"""SAML 2.0 in the browser: Entra ID, AD FS, Shibboleth, Okta, Keycloak."""

from typing import Annotated

from headrace.sdk import AuthProviderManifest, Config, Field, Secret, hookimpl, lazy


class SamlConfig(Config, kw_only=True):
    """What the identity provider publishes, and how it names things."""

    idp_metadata: Annotated[
        str,
        Field(
            "Metadata of the identity provider", "The XML as it is; entity ID, address and certificates are read "
            "from it. Paste it again when its certificates change.",
            widget="textarea", rows=10, min_length=1, max_length=200_000,
        ),
    ]  # fmt: skip
    entity_id: Annotated[
        str, Field("Our entity ID", "Empty takes the address of our metadata.", max_length=1_024, advanced=True)
    ] = ""
    subject_attribute: Annotated[
        str, Field("Identifier", "Attribute that never changes; empty takes a persistent NameID.", advanced=True)
    ] = ""
    email_attribute: Annotated[
        str, Field("E-mail", "Name of the attribute; empty takes a NameID that is an address.")
    ] = "urn:oid:0.9.2342.19200300.100.1.3"
    name_attribute: Annotated[str, Field("Name", "Name of the attribute.")] = "urn:oid:2.16.840.1.113730.3.1.241"
    groups_attribute: Annotated[str, Field("Groups", "Name of the attribute.")] = "groups"
    authn_context: Annotated[
        str,
        Field("Authentication context", "Class that has to be used, e.g. one with a second factor.", advanced=True),
    ] = ""
    decryption_key: Annotated[
        Secret,
        Field(
            "Decryption key",
            "For encrypted assertions: an RSA key and its certificate as PEM, one after the other; "
            "the certificate is put into our metadata. Two pairs while they rotate, the new one first.",
            widget="textarea",
            advanced=True,
        ),
    ] = Secret("")


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the provider, in editions with single sign-on."""
    return [
        AuthProviderManifest(
            id="saml", title="SAML 2.0", kind="redirect", config=SamlConfig, icon="lucide:landmark", feature="sso",
            factory=lazy("headrace_plugin_auth_saml.provider:SamlProvider"),
            summary="Signed assertions that answer our own request, each taken once.",
        )
    ]  # fmt: skip
