"""What the protocol says of itself; the behaviour is in `web/tests/sign_on/test_scim_directory.py`."""

from __future__ import annotations

from headrace.plugins.manager import load_plugins


def test_a_directory_is_a_provider_that_nobody_signs_in_with() -> None:
    entry = load_plugins().registry.auth_provider("scim")
    assert (entry.manifest.kind, entry.manifest.feature) == ("directory", "sso")
    entry.open({}).check()


def test_only_what_is_there_is_announced() -> None:
    from headrace_plugin_scim.protocol import PROVIDER
    from headrace_plugin_scim.storage import PAGE_MAX

    config = PROVIDER.config
    assert config is not None
    assert not config.bulk.supported
    assert not config.change_password.supported
    assert config.patch.supported
    assert config.filter.max_results == PAGE_MAX


def test_people_carry_what_an_enterprise_says_of_them() -> None:
    from headrace_plugin_scim.people import MODEL
    from headrace_plugin_scim.protocol import PROVIDER, SERVICE
    from scim2_server.requests import ScimRequest

    target = SERVICE.match(ScimRequest(method="get", base_url="https://headrace.example.org", path="/Users/1"))
    assert (target.endpoint, target.resource_id) == ("Users", "1")
    assert PROVIDER.model_for("User") is MODEL
