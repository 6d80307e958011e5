"""A proxy in front of headrace signs people in and says in headers who they are."""

from typing import Annotated

from headrace.sdk import AuthProviderManifest, Config, Field, Secret, hookimpl, lazy


class ProxyConfig(Config, kw_only=True):
    """Which proxy is believed, and what its headers are called."""

    trusted: Annotated[
        list[str],
        Field(
            "Trusted addresses", "Addresses or networks that the proxy connects from. Nobody else is believed.",
            min_length=1, max_length=50, examples=[["10.0.0.5", "fd00::/64"]],
        ),
    ]  # fmt: skip
    secret: Annotated[
        Secret,
        Field(
            "Shared secret", "16 characters or more, which the proxy sends in the header x-headrace-proxy-secret. "
            "Wanted where others than the proxy can connect from the trusted addresses.",
        ),
    ] = Secret("")  # fmt: skip
    user_header: Annotated[str, Field("User", "Header with the name that never changes.")] = "x-forwarded-user"
    email_header: Annotated[str, Field("E-mail", "Header with the address.")] = "x-forwarded-email"
    name_header: Annotated[str, Field("Name", "Header with the name to show.")] = "x-forwarded-preferred-username"
    groups_header: Annotated[str, Field("Groups", "Header with the groups, separated by commas.")] = (
        "x-forwarded-groups"
    )


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the provider."""
    return [
        AuthProviderManifest(
            id="proxy", title="Trusted proxy", kind="headers", config=ProxyConfig, icon="lucide:shield-check",
            factory=lazy("headrace_plugin_auth_proxy.provider:ProxyProvider"),
            summary="oauth2-proxy, Authelia or another one in front signs in; its headers count from its address only.",
        )
    ]  # fmt: skip
