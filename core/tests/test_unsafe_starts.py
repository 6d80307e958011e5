"""T-CONF: what is unsafe does not start, and says in one sentence what to do."""

from __future__ import annotations

import base64

import psycopg
import pytest
from headrace.infra.crypto import generate_key
from headrace.infra.database import Database
from headrace.infra.health import role_check, run_checks
from headrace.infra.roles import refuse_powerful
from headrace.infra.settings import load_settings
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError
from headrace.testing.services import needs, with_database
from psycopg import sql

KEY = generate_key()
REMOTE = {"HEADRACE_MASTER_KEYS": KEY, "HEADRACE_REDIS_URL": "redis://:a-generated-password@cache.example.org/0"}
UNSAFE = [
    ("a page of everybody", {"HEADRACE_CORS_ORIGINS": "*"}, "name each origin"),
    ("a page of a whole domain", {"HEADRACE_CORS_ORIGINS": "https://*.example.org"}, "name each origin"),
    ("pages of files", {"HEADRACE_CORS_ORIGINS": "null"}, "name each origin"),
    ("cookies in clear", {"HEADRACE_PUBLIC_URL": "http://headrace.example.org"}, "https"),
    ("open without an address", {"HEADRACE_HOST": "0.0.0.0"}, "HEADRACE_PUBLIC_URL"),
    ("a proxy that nobody named", {"HEADRACE_HOST": "0.0.0.0", "HEADRACE_PUBLIC_URL": "https://headrace.example.org"},
     "HEADRACE_TRUSTED_PROXIES"),
    ("the key of an example", {"HEADRACE_MASTER_KEYS": "dev-secret-key"}, "headrace keys new"),
    ("a short key", {"HEADRACE_MASTER_KEYS": base64.b64encode(b"x" * 16).decode()}, "headrace keys new"),
    ("a key of one letter", {"HEADRACE_MASTER_KEYS": base64.b64encode(b"x" * 32).decode()}, "headrace keys new"),
    ("a known password", {**REMOTE, "HEADRACE_DATABASE_URL": "postgresql://a:postgres@db.example.org/x"}, "generated"),
    ("a short password", {**REMOTE, "HEADRACE_DATABASE_URL": "postgresql://a:abc@db.example.org/x"}, "generated"),
    ("an open cache", {"HEADRACE_REDIS_URL": "redis://cache.example.org/0"}, "generated"),
    ("a setting that is not there", {"HEADRACE_DEBUG": "1"}, "not known"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "says"), [one[1:] for one in UNSAFE], ids=[one[0] for one in UNSAFE])
def test_an_unsafe_setting_does_not_start(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(environ)
    assert "HEADRACE_" in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 250
    assert KEY not in caught.value.message


def test_the_same_on_this_machine_starts() -> None:
    for url in ("http://127.0.0.1:8080", "http://localhost:8080", "https://headrace.example.org"):
        assert load_settings({"HEADRACE_PUBLIC_URL": url}).public_url == url


@pytest.fixture
def powerful(database_urls):
    """Addresses of roles that row-level security does not hold, by what they have."""
    admin = with_database(needs("postgres"), database_urls.app_url.rpartition("/")[2])
    name, password = f"bypass_{database_urls.app_url[-8:]}", "a-generated-password"
    with psycopg.connect(admin, autocommit=True) as connection:
        make = sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
        connection.execute(make)
        bypassing = f"postgresql://{name}:{password}@{admin.rpartition('@')[2]}"
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(admin.rpartition("/")[2]), sql.Identifier(name)
            )
        )
        yield {"is a superuser": admin, "has BYPASSRLS": bypassing, "owns tables": database_urls.owner_url}
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_role_that_goes_around_row_level_security_does_not_start(headrace_settings, powerful) -> None:
    refuse_powerful(headrace_settings)
    for setting in ("database_url", "database_worker_url"):
        for what, url in powerful.items():
            with pytest.raises(ConfigError, match=what) as caught:
                refuse_powerful(headrace_settings.replace(**{setting: Secret(url)}))
            assert f"HEADRACE_{setting.upper()}" in caught.value.message
            assert "headrace_app" in caught.value.message
            assert "a-generated-password" not in caught.value.message
    away = headrace_settings.replace(database_url=Secret("postgresql://a:b@127.0.0.1:1/x"))
    refuse_powerful(away)  # not known yet; readiness asks again


async def test_such_a_role_is_never_ready(database, powerful) -> None:
    assert [one.ok for one in await run_checks({"role": role_check(database)})] == [True]
    for what, url in powerful.items():
        opened = Database.from_url(url, pool_size=1)
        (found,) = await run_checks({"role": role_check(opened)})
        await opened.close()
        assert not found.ok
        assert what in found.message
