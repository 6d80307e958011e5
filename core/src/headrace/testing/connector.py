"""The connector contract: subclass it, give `config` and `bad_config`; the manifest switches rules on.

The rules of reading, writing and acting are in the modules beside this one; here are those of declaring and connecting.
"""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from headrace.sdk import (
    AuthError,
    Capability,
    ConfigError,
    Connector,
    HeadraceError,
    TransientError,
    config_schema,
    secret_names,
)
from headrace.sdk.manifests import ConnectorManifest, encodable
from headrace.testing.connector_actions import ActionRules
from headrace.testing.connector_base import ConnectorRules, needs, rows
from headrace.testing.connector_read import ReadRules
from headrace.testing.connector_tables import TableRules
from headrace.testing.connector_write import WriteRules
from headrace.testing.link import CuttableLink

HEAVY = ("polars", "narwhals", "sqlalchemy", "sqlglot", "litestar", "psycopg", "pyarrow", "duckdb", "httpx2")
METHODS = {
    Capability.READ: "read",
    Capability.WRITE: "write",
    Capability.QUERY: "query",
    Capability.SCAN: "scan",
    Capability.RELATION: "relation",
    Capability.NARROW: "narrowed",
    Capability.FINGERPRINT: "fingerprint",
    Capability.FILES: "files",
    Capability.PLAN: "plan",
    Capability.PAGES: "pages",
    Capability.MESSAGES: "take",
    Capability.CHOICES: "choices",
    Capability.SYNC_FLOWS: "foreign_flows",
}
SECRET_WORDS = ("password", "token", "secret", "api_key", "private_key")


class DeclareRules(ConnectorRules):
    """What every declaration keeps."""

    def test_declaration_is_light(self) -> None:
        module = self.entry().plugin.module
        code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == "[]"

    def test_declaration_is_complete(self, manifest: ConnectorManifest) -> None:
        fields = config_schema(manifest.config)["properties"]
        assert manifest.title
        assert manifest.summary
        assert all(shape.get("title") for shape in fields.values()), "every field has a title"
        assert encodable(manifest)["id"] == self.connector_id
        secrets = {path.rpartition(".")[2] for path in secret_names(manifest.config)}
        assert {name for name in fields if name in SECRET_WORDS} <= secrets, "secrets are `Secret`"

    def test_capabilities_are_methods_both_ways(self, manifest: ConnectorManifest) -> None:
        claimed = {method: capability in manifest.capabilities for capability, method in METHODS.items()}
        work = manifest.factory.load()
        for method, claim in {**claimed, "act": bool(manifest.actions)}.items():
            implemented = getattr(work, method) is not getattr(Connector, method)
            assert implemented == claim, f"the manifest and {method}() disagree"


class ConnectorContract(DeclareRules, ReadRules, WriteRules, TableRules, ActionRules):
    """Rules for every connector. A subclass gives the fixtures `config` and `bad_config`."""

    def test_check_passes(self, connector: Connector[Any]) -> None:
        connector.check()

    def test_choices_have_what_the_connection_uses(
        self, connector: Connector[Any], manifest: ConnectorManifest, config: dict[str, Any]
    ) -> None:
        needs(manifest, Capability.CHOICES)
        fields = config_schema(manifest.config)["properties"]
        asked = [name for name, shape in fields.items() if shape.get("x-ui", {}).get("options_from") == "choices"]
        assert asked, "a field is declared with options_from"
        for name in asked:
            found = connector.choices(name)
            assert found == sorted(set(found))
            assert config[name] in found

    def test_bad_config_is_a_clear_error_without_secrets(
        self, bad_config: dict[str, Any], manifest: ConnectorManifest
    ) -> None:
        with pytest.raises(HeadraceError) as caught, closing(self.entry().open(bad_config)) as opened:
            opened.check()
        assert isinstance(caught.value, ConfigError | AuthError), "the user has to mend it; trying again is no use"
        said = f"{caught.value.message} {caught.value.hint}"
        assert len(said) > 20
        for path in secret_names(manifest.config):
            value = bad_config.get(path)
            assert not value or str(value) not in said

    def test_closes_twice_and_opens_again(self, connector: Connector[Any]) -> None:
        connector.close()
        connector.close()
        connector.check()

    def test_opens_a_new_link_after_a_dropped_one(self, config: dict[str, Any]) -> None:
        """A cut read gives all of its rows or a TransientError, never fewer; the next call works."""
        if not {"host", "port"} <= config.keys():
            pytest.skip("the connection has no host and port")
        with CuttableLink(config["host"], int(config["port"])) as link:
            through = {**config, "host": "127.0.0.1", "port": link.port}
            with closing(self.entry().open(through)) as connector:
                stream = connector.discover()[0]
                expected = rows(connector, stream)
                reading = connector.read(stream, batch_rows=1)
                found = next(reading).to_dicts()
                link.cut()
                try:
                    found += [row for frame in reading for row in frame.to_dicts()]
                    assert found == expected, "a cut read must not look like a whole one"
                except TransientError:
                    pass
                assert rows(connector, stream) == expected
                link.cut()
                connector.check()
                assert link.opened > 1
