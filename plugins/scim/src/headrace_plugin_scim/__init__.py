"""A directory (Entra ID, Okta and others) tells us of people and groups by SCIM 2.0; nobody signs in with it."""

from headrace.sdk import AuthProviderManifest, hookimpl, lazy


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the directory."""
    return [
        AuthProviderManifest(
            id="scim", title="SCIM directory", kind="directory", feature="sso", icon="lucide:users-round",
            factory=lazy("headrace_plugin_scim.provider:ScimDirectory"),
            summary="Entra ID, Okta and others create, change and shut out people and groups here by themselves.",
        )
    ]  # fmt: skip
