"""Settings refuse what is unknown, wrong or unsafe, and name it."""

from pathlib import Path

import pytest
from headrace.infra.crypto import generate_key
from headrace.infra.settings import Settings, load_settings
from headrace.sdk.errors import ConfigError

KEY = generate_key()


def test_nothing_set_is_embedded() -> None:
    settings = load_settings({"PATH": "/bin", "HEADRACE_TEST_POSTGRES_URL": "x"})
    assert settings == Settings()
    assert settings.embedded
    assert settings.objects_url.startswith("file:///")


def test_values_are_read() -> None:
    settings = load_settings({
        "HEADRACE_HOME": "/srv/headrace", "HEADRACE_PORT": "9000", "HEADRACE_TRACE_PLUGINS": "1",
        "HEADRACE_QUEUES": "light, io",
        "HEADRACE_MASTER_KEYS": f"{KEY},{generate_key()}", "HEADRACE_LOG_LEVEL": "debug",
    })  # fmt: skip
    assert (settings.home, settings.port, settings.trace_plugins) == (Path("/srv/headrace"), 9000, True)
    assert settings.queues == ("light", "io")
    assert len(settings.master_keys) == 2


@pytest.mark.parametrize(("variable", "near"), [
    ("HEADRACE_DATABSE_URL", "HEADRACE_DATABASE_URL"), ("HEADRACE_MASTER_KEY", "HEADRACE_MASTER_KEYS"),
    ("HEADRACE_HOSTNAME", "HEADRACE_HOST"), ("HEADRACE_X", "HEADRACE_"),
])  # fmt: skip
def test_an_unknown_variable_is_named_with_its_nearest(variable: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({variable: "canary"})
    assert variable in caught.value.message
    assert f"did you mean {near}" in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("environ", [
    {"HEADRACE_PORT": "eighty"}, {"HEADRACE_PORT": "70000"}, {"HEADRACE_LOG_LEVEL": "loud"},
    {"HEADRACE_MASTER_KEYS": "secret"},
    {"HEADRACE_HOST": "0.0.0.0"}, {"HEADRACE_PUBLIC_URL": "ftp://x"}, {"HEADRACE_TRACE_PLUGINS": "maybe"},
    {"HEADRACE_DATABASE_URL": "postgresql://a:b2345678@127.0.0.1/x"}, {"HEADRACE_CORS_ORIGINS": "*"},
    {"HEADRACE_CORS_ORIGINS": "https://*.example.org"}, {"HEADRACE_CORS_ORIGINS": "example.org"},
    {"HEADRACE_DATABASE_URL": "postgresql://a:b2345678@127.0.0.1/x", "HEADRACE_MASTER_KEYS": KEY},
    {"HEADRACE_DATABASE_OWNER_URL": "postgresql://a:changeme@db.example.org/x"},
    {"HEADRACE_DATABASE_OWNER_URL": "postgresql://a:short@db.example.org/x"},
    {"HEADRACE_REDIS_URL": "redis://cache.example.org:6379/0"},
])  # fmt: skip
def test_wrong_and_unsafe_values_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ)
    message = caught.value.message
    assert "HEADRACE_" in message
    assert not any(word in message for word in ("b2345678", "changeme", "short@", KEY))


def test_secrets_do_not_print() -> None:
    settings = load_settings({
        "HEADRACE_DATABASE_URL": "postgresql://a:canary-pw-1@127.0.0.1/x", "HEADRACE_MASTER_KEYS": KEY,
        "HEADRACE_REDIS_URL": "redis://:canary-pw-2@127.0.0.1/0",
    })  # fmt: skip
    assert "canary" not in repr(settings)
    assert KEY not in str(settings)
