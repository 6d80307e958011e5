"""The contract over each mutant; run by test_connector_mutants.py in a process of its own, not collected otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.plugins.records import PluginRecord
from headrace.plugins.registry import ConnectorEntry
from headrace.sdk import Connector
from headrace.testing.connector import ConnectorContract

from .mutants import HONEST, MUTANTS, Mutant
from .tiny.connector import prepare
from .tiny.server import serving

CITIES = pl.DataFrame(
    {
        "id": [1, 2, 5], "name": ["Bern", "Oslo", "Riga"], "country": ["CH", "NO", "NO"], "area": [51.6, None, 304.0],
    }
)  # fmt: skip


class MutantSuite(ConnectorContract):
    connector_id = "tiny"
    action_inputs = {"add_city": {"name": "Rome"}}
    mutant: Mutant

    def entry(self) -> Any:
        record = PluginRecord(
            name="connector-tiny", module=self.mutant.module, distribution="tiny", version="1", fingerprint="f"
        )
        return ConnectorEntry(self.mutant.declared(), record)

    def effects(self, connector: Connector[Any], action: str) -> int:
        with connector.session() as db:  # type: ignore[attr-defined]
            there = db.execute("select 1 from _streams where name = 'added'").fetchall()
            return len(db.execute("select * from added").fetchall()) if there else 0

    @pytest.fixture
    def config(self, tmp_path: Path) -> Iterator[dict[str, Any]]:
        path = tmp_path / "tiny.db"
        prepare(path, "right", {"city": CITIES, "letter": pl.DataFrame({"letter": ["a", "b"]}), "zero": CITIES.head(1)})
        given = {"path": str(path), "password": "right"}
        if self.mutant.remote:
            with serving(path) as port:
                yield {**given, "host": "127.0.0.1", "port": port}
        else:
            yield given

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "wr0ng-s3cret"}


for _mutant in [*HONEST, *MUTANTS.values()]:
    _marks = [pytest.mark.slow] if _mutant.slow else []
    globals()[f"Test{_mutant.name}"] = type(
        f"Test{_mutant.name}", (MutantSuite,), {"mutant": _mutant, "pytestmark": _marks, "__module__": __name__}
    )
del MutantSuite
