"""E-mail and password: the accounts of the installation itself. Without this plugin nobody signs in by a password."""

from headrace.sdk import AuthProviderManifest, hookimpl


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the way in; the work is that of the host's accounts."""
    return [
        AuthProviderManifest(
            id="password", title="E-mail and password", kind="password", icon="lucide:mail",
            summary="Accounts of this installation, with argon2id hashes and an optional second factor.",
        )
    ]  # fmt: skip
