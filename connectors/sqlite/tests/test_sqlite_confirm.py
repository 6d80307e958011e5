"""An overwrite that would lose columns says so, and waits for a yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.node import FakeContext, installed_engine

THERE = pl.DataFrame({"id": [1, 2], "text": ["a", "b"], "big": [2**40, 1]})


class Context(FakeContext):
    """One whose connection is open."""

    opened: Any

    def connector(self, connection: str) -> Any:
        return self.opened


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    registry = load_plugins(only=["connector-sqlite"], strict=True).registry
    connector = registry.connector("sqlite").open({"path": "t.db"})
    connector.write("t", iter([THERE]))

    def write(frame: pl.DataFrame, **said: Any) -> list[dict[str, Any]]:
        manifest = registry.nodes["sqlite.write"].manifest
        config = parse_config(manifest.config, {"connection": "Shop", "stream": "t", **said})
        context = Context(installed_engine(), tmp_path)
        context.opened = connector
        context.effect_key = f"effect:{sorted(said)}:{frame.columns}"
        manifest.factory.load()(config).run(context, {"in": nw.from_native(frame.lazy())})
        return [row for part in connector.read(connector.stream("t")) for row in part.to_dicts()]

    yield write
    connector.close()


def test_a_dropped_column_waits_for_a_yes(shop: Any) -> None:
    less = THERE.select("id", "big").head(1)
    for _ in range(2):
        with pytest.raises(
            ConfigError, match=r"column 'text' of 't' is dropped.*nothing was written.*confirm"
        ) as caught:
            shop(less, mode="overwrite")
        assert caught.value.details["field"] == "confirm_destructive"
    assert len(shop(THERE, mode="append")) == 2 * THERE.height, "nothing was lost by the refusals"
    for _ in range(2):  # a repeat has nothing more to ask
        assert shop(less, mode="overwrite", confirm_destructive=True) == less.to_dicts()
    assert shop(less, mode="overwrite") == less.to_dicts()


def test_a_narrower_type_waits_for_a_yes(shop: Any) -> None:
    small = THERE.head(1).with_columns(big=pl.lit(7, pl.Int16))
    with pytest.raises(ConfigError, match="column 'big' of 't' becomes"):
        shop(small, mode="overwrite")
    assert shop(small, mode="overwrite", confirm_destructive=True) == small.to_dicts()


def test_other_writes_ask_nothing(shop: Any) -> None:
    assert len(shop(THERE.with_columns(more=pl.lit(1)), mode="overwrite")) == THERE.height
    assert len(shop(THERE.head(1), mode="upsert", keys=["id"], options={"drift": "evolve"})) == THERE.height
