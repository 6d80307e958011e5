"""Rejected rows: as many as there are, in bounded memory, in order."""

from __future__ import annotations

from headrace.engine import rejects
from headrace.plugins.manager import load_plugins
from headrace.sdk import Reject


def test_more_rejects_than_fit_wait_in_files_and_come_back_in_order(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(rejects, "SPILL_ROWS", 10)
    engine = load_plugins(only=["plugin-engine_polars"]).registry.engines["polars"].factory.load()()
    kept = rejects.Rejects(engine, tmp_path, "a/b")
    for start in range(0, 35, 5):
        kept.add([Reject(row, "bad", "id", str(row)) for row in range(start, start + 5)])
    assert len(kept) == 35
    assert len(list(tmp_path.glob("rejects-*.parquet"))) == 3
    rows = [row[0] for batch in engine.batches(kept.frame()) for row in batch.iter_rows()]
    assert rows == list(range(35))


def test_few_rejects_stay_in_memory(tmp_path) -> None:
    engine = load_plugins(only=["plugin-engine_polars"]).registry.engines["polars"].factory.load()()
    kept = rejects.Rejects(engine, tmp_path, "a")
    assert engine.count(kept.frame()) == 0
    kept.add([Reject(1, "bad")])
    assert engine.count(kept.frame()) == 1
    assert list(tmp_path.iterdir()) == []
