"""A proxy is believed by its address and its secret; everybody else's headers are words."""

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, SignInRefused

HEADERS = {
    "x-forwarded-user": "ada", "x-forwarded-email": "ada@example.org", "x-forwarded-groups": "staff, data ,",
    "x-headrace-proxy-secret": "a long shared secret",
}  # fmt: skip


@pytest.fixture(scope="module")
def entry():
    return load_plugins(only=["plugin-auth_proxy"], strict=True).registry.auth_provider("proxy")


def test_the_proxy_says_who_it_is(entry) -> None:
    provider = entry.open({"trusted": ["10.1.2.0/24", "fd00::/64"], "secret": "a long shared secret"})
    for peer in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::7"):
        profile = provider.identify(HEADERS, peer=peer)
        assert (profile.subject, profile.email, profile.groups) == ("ada", "ada@example.org", ("staff", "data"))


@pytest.mark.parametrize("peer", ["10.1.3.3", "127.0.0.1", "::1", "", "10.1.2.3, 10.9.9.9", "unix", "fd00:0:0:1::7"])
def test_headers_from_elsewhere_are_forged(entry, peer) -> None:
    provider = entry.open({"trusted": ["10.1.2.0/24", "fd00::/64"]})
    forwarded = {**HEADERS, "x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3", "forwarded": "for=10.1.2.3"}
    with pytest.raises(SignInRefused, match="past the proxy"):
        provider.identify(forwarded, peer=peer)


@pytest.mark.parametrize("secret", ["", "a long shared secreT", "another one entirely"])
def test_the_shared_secret_counts_beside_the_address(entry, secret) -> None:
    provider = entry.open({"trusted": ["10.1.2.3"], "secret": "a long shared secret"})
    with pytest.raises(SignInRefused) as caught:
        provider.identify({**HEADERS, "x-headrace-proxy-secret": secret}, peer="10.1.2.3")
    assert "secret" in caught.value.detail
    assert "a long shared secret" not in caught.value.detail + caught.value.message


def test_nobody_named_is_nobody(entry) -> None:
    with pytest.raises(SignInRefused):
        entry.open({"trusted": ["10.1.2.3"]}).identify({**HEADERS, "x-forwarded-user": " "}, peer="10.1.2.3")


@pytest.mark.parametrize("trusted", ["0.0.0.0/0", "::/0", "10.0.0.0/4", "proxy.example.org", "10.1.2.3/24"])
def test_everybody_is_no_proxy(entry, trusted) -> None:
    with pytest.raises(ConfigError):
        entry.open({"trusted": [trusted]}).check()
    with pytest.raises(ConfigError):
        entry.open({"trusted": ["10.1.2.3"], "secret": "short"}).check()
