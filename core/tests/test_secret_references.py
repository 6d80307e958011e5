"""References in the place of secrets: stored as they are, resolved by workers alone, as the operator allows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import msgspec
import pytest
from headrace.connections import explore
from headrace.connections.references import filled
from headrace.connections.resolver import Resolver
from headrace.connections.secrets import merged, shown
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace.sdk import Config, ConfigError, ConnectorManifest, Field, Secret, lazy, parse_config

CANARY = "canary-behind-a-reference"
ONE = uuid4()
CONFIG = {"host": "db.example.org", "database": "d", "user": "u", "password": {"secret": "env:FLOW_SHOP"}}


@pytest.fixture(scope="module")
def host() -> Host:
    return load_plugins(only=["connector-postgresql", "plugin-secrets_env", "plugin-secrets_file"], strict=True)


def resolver(host: Host, tmp_path: Path, text: str) -> Resolver:
    file = tmp_path / "secrets.toml"
    file.write_text(text)
    return Resolver(host.registry, str(file))


def specs(**changes: object) -> dict[str, ConnectionSpec]:
    return {"Shop": ConnectionSpec(connector="postgresql", config={**CONFIG, **changes})}


def test_a_reference_is_resolved_and_kept_for_a_while(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = resolver(host, tmp_path, '[env]\nprefix = "FLOW_"\n')
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    assert opened.resolve(specs(), ONE)["Shop"].config["password"] == CANARY
    assert specs()["Shop"].config["password"] == {"secret": "env:FLOW_SHOP"}
    monkeypatch.setenv("FLOW_SHOP", "another")
    assert opened.resolve(specs(), ONE)["Shop"].config["password"] == CANARY
    monkeypatch.setattr("headrace.connections.resolver.KEPT_S", 0.0)
    assert opened.resolve(specs(), uuid4())["Shop"].config["password"] == "another"


@pytest.mark.parametrize(("section", "found", "sentence"), [
    ("", "env:FLOW_SHOP", "'env:FLOW_SHOP' may not be used here; an operator allows it in a section [env]"),
    ('[env]\nprefix = "FLOW_"', "env:HEADRACE_MASTER_KEYS", "'env:HEADRACE_MASTER_KEYS' may not be used here"),
    ('[env]\nprefix = "FLOW_"', "file:shop", "'file:shop' may not be used here; an operator allows it"),
    ('[env]\nprefix = "FLOW_"', "gone:shop", "'gone:shop' needs a secret backend 'gone'; install"),
    ('[env]\nprefix = "FLOW_"\nhosts = ["other.example.org"]', "env:FLOW_SHOP", "may not be sent to 'db.example.org'"),
    ('[env]\nprefix = 3', "env:FLOW_SHOP", "section [env] of HEADRACE_SECRETS_FILE"),
    ("not toml", "env:FLOW_SHOP", "cannot be read"),
])  # fmt: skip
def test_what_the_operator_does_not_allow_is_refused_in_a_sentence(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, found: str, sentence: str
) -> None:
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    monkeypatch.setenv("HEADRACE_MASTER_KEYS", CANARY)
    with pytest.raises(ConfigError) as caught:
        resolver(host, tmp_path, section).resolve(specs(password={"secret": found}), ONE)
    assert sentence in caught.value.message
    assert CANARY not in repr(caught.value.__dict__)


def test_hosts_of_a_section_bind_its_secrets(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    opened = resolver(host, tmp_path, '[env]\nprefix = "FLOW_"\nhosts = ["db.example.org"]\n')
    assert opened.resolve(specs(), ONE)["Shop"].config["password"] == CANARY
    for changes in ({"host": "evil.example.org"}, {"host": "10.0.0.1"}, {"host": "db.example.org.evil.org"}):
        with pytest.raises(ConfigError, match="may not be sent to"):
            opened.resolve(specs(**changes), ONE)


async def test_only_workers_resolve(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    told = await explore.test(host.registry, "postgresql", CONFIG)
    assert not told["ok"]
    assert "'password' comes from 'env:FLOW_SHOP', which only workers may read" in told["checks"][-1]["detail"]
    with pytest.raises(ConfigError, match="only workers"):
        await explore.streams(host.registry, "postgresql", CONFIG)


def test_a_reference_is_shown_as_such_and_bound_to_its_address(host: Host) -> None:
    manifest = host.registry.connector("postgresql").manifest
    assert shown(manifest, CONFIG)["password"] == {
        "$secret": True, "set": True, "hint": "", "reference": "env:FLOW_SHOP"
    }  # fmt: skip
    assert merged(manifest, CONFIG, {**CONFIG, "password": {"$secret": True}}) == CONFIG
    with pytest.raises(ConfigError, match="enter 'password' again"):
        merged(manifest, CONFIG, {**CONFIG, "host": "evil.example.org", "password": None})


class Nested(Config):
    """Further in."""

    key: Annotated[Secret, Field("Key")] = Secret("")


class Whole(Config, kw_only=True):
    """What a connection may look like."""

    url: Annotated[str, Field("Address")] = "https://api.example.org"
    key: Annotated[Secret, Field("Key")] = Secret("")
    auth: Annotated[Nested, Field("Sign-in")] = msgspec.field(default_factory=Nested)
    realm: Annotated[str, Field("Realm")] = ""
    rows: Annotated[int, Field("Rows")] = 10


MANIFEST = ConnectorManifest(
    id="thing", title="Thing", category="database", config=Whole, factory=lazy("a:b"), capabilities=frozenset()
)


@pytest.mark.parametrize("given", ["env", "env:", ":x", "ENV:x", "env:a b", "env:" + "x" * 501, "env:x\n", "env:ä"])
def test_what_is_no_reference_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="'key' is no reference"):
        filled(MANIFEST, {"key": {"secret": given}})
    assert parse_config(Whole, filled(MANIFEST, {"auth": {"key": {"secret": "env:X"}}}))
    with pytest.raises(ConfigError):
        parse_config(Whole, filled(MANIFEST, {"realm": {"secret": "env:X"}}))


@pytest.mark.parametrize("change", [
    {"url": "https://evil.example.org"}, {"url": "https://api.example.org:8443"}, {"url": "http://api.example.org"},
    {"realm": "evil.example.org"}, {"realm": "10.1.2.3"}, {"realm": "https://evil"}, {"realm": "evil.example.org:443"},
])  # fmt: skip
@pytest.mark.parametrize("secret", [{"key": CANARY}, {"auth": {"key": CANARY}}, {"key": {"secret": "env:FLOW_X"}}])
def test_no_secret_follows_a_changed_address_though_the_old_one_was_the_default(
    change: dict[str, str], secret: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match=r"enter '(auth\.)?key' again"):
        merged(MANIFEST, {**secret, "realm": "shop"}, {"auth": {}, **change})
    assert merged(MANIFEST, {**secret, "realm": "shop"}, {"auth": {}, "realm": "other", "rows": 5})["rows"] == 5
    fresh = {
        "auth": {},
        **{name: value if name != "auth" else {"key": "new"} for name, value in secret.items()},
        **change,
    }
    assert merged(MANIFEST, {**secret, "realm": "shop"}, fresh) == fresh
