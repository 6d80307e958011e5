"""The host's own accounts are a provider like the others, with no work of its own."""

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError


def test_it_is_offered_and_needs_no_configuration() -> None:
    entry = load_plugins(only=["plugin-auth_password"], strict=True).registry.auth_provider("password")
    assert (entry.manifest.kind, entry.manifest.factory, entry.manifest.feature) == ("password", None, "")
    with pytest.raises(ConfigError, match="needs no configuration"):
        entry.open({})


def test_every_other_provider_has_a_form_and_some_work() -> None:
    registry = load_plugins(strict=True).registry
    assert {"password", "oidc", "ldap", "saml", "proxy"} <= registry.auth_providers.keys()
    for name, entry in registry.auth_providers.items():
        if name == "password":
            continue
        assert isinstance(entry.manifest.factory.load(), type), name
        assert entry.manifest.feature == ("sso" if name in {"ldap", "saml", "scim"} else ""), "OIDC is in every edition"
