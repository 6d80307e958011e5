"""Flow files that are wrong: refused before anything executes, with step, field and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = "id,name,amount\n1,a,1.5\n2,b,2.5\n2,c,3.5\n"


@pytest.fixture
def good(files: Path) -> str:
    (files / "good.csv").write_text(GOOD)
    return "good.csv"


CASES: dict[str, tuple[Callable[[Any], list[dict[str, Any]]], str, str, str, tuple[str, ...]]] = {
    "unknown config field": (
        lambda s: [s.read("good.csv", opshuns=1)],
        "config_invalid", "rows", "config.opshuns", ("'The rows'", "'opshuns'", "did you mean 'options'?"),
    ),
    "unknown config field inside": (
        lambda s: [s.read("good.csv", options={"delimeter": ";"})],
        "config_invalid", "rows", "config.options.delimeter", ("'options.delimeter'", "did you mean 'delimiter'?"),
    ),
    "unknown field in a row of a table": (
        lambda s: [s.read("good.csv"), s.do("derive", columns=[{"name": "x", "expresion": "id"}])],
        "config_invalid", "do", "config.columns[0].expresion", ("'The work'", "did you mean 'expression'?"),
    ),
    "wrong type": (
        lambda s: [s.read("good.csv", limit="many")],
        "config_invalid", "rows", "config.limit", ("'The rows'", "'limit'", "`int`", "correct the field"),
    ),
    "missing field": (
        lambda s: [s.read("good.csv"), s.do("filter")],
        "config_invalid", "do", "config.where", ("'The work'", "'where'", "must be filled in"),
    ),
    "missing plugin": (
        lambda s: [s.read("good.csv"), {"id": "x", "type": "astrology.predict", "inputs": {"in": "rows"}}],
        "plugin_missing", "x", "type", ("'x'", "'astrology'", "install it", "replace or remove the step"),
    ),
    "unknown node of a plugin": (
        lambda s: [s.read("good.csv"), s.do("fliter", where="true")],
        "unknown_node", "do", "type", ("'The work'", "transform.fliter", "replace or remove the step"),
    ),
    "unknown connection": (
        lambda s: [s.read("good.csv", connection="Nope")],
        "connection_missing", "rows", "config.connection", ("'The rows'", "'Nope'", "choose or create one"),
    ),
    "cycle": (
        lambda s: [
            s.read("good.csv"), {**s.do("filter", "b", where="id > 1"), "id": "a", "label": "A"},
            {**s.do("filter", "a", where="id > 1"), "id": "b", "label": "B"},
        ],
        "cycle", "", "", ("A", " > ", "B", "cycle", "remove one of these edges"),
    ),
    "edge from nowhere": (
        lambda s: [s.do("filter", "nowhere", where="true")],
        "port_mismatch", "do", "inputs", ("'nowhere'", "does not exist", "remove the edge"),
    ),
    "no such output": (
        lambda s: [s.read("good.csv"), s.do("filter", "rows.out2", where="true")],
        "port_mismatch", "rows", "outputs.out2", ("'The rows'", "'out2'", "it has out", "connect another port"),
    ),
    "expression that is none": (
        lambda s: [s.read("good.csv"), s.do("filter", where="name >")],
        "expression_invalid", "do", "config.where", ("'The work'", "'name >'", "character 6", "check brackets"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_flow_is_refused(case: tuple[Any, ...], good: str, run: Callable, steps: Any) -> None:
    make, code, node_id, field, words = case
    shown = run(*make(steps))
    assert (shown.status, shown.error["code"], shown.nodes) == ("refused", code, {})
    assert shown.error["node_id"] == (node_id or shown.error["node_id"])
    assert shown.error["field"] == field
    assert [word for word in words if word not in shown.sentence] == [], shown.sentence


def test_a_wrong_connection_in_the_file_is_refused(run: Callable, steps: Any, to_postgres: Callable) -> None:
    here = to_postgres("postgresql://me:secret-enough@127.0.0.1:1/db", hots="x")
    shown = run(steps.read("t", "Db", "postgresql"), Db=here)
    assert shown.status == "refused"
    for word in ("the connection 'Db", "'hots'", "did you mean 'host'?", "correct it in the flow file"):
        assert word in shown.sentence
    assert "secret-enough" not in shown.sentence
    shown = run(steps.read("t", "Db"), Db={"connector": "zz", "config": {}})
    assert "there is no connector 'zz'; install headrace-connector-zz" in shown.sentence


def test_a_column_that_is_not_there_brings_the_nearest(good: str, run: Callable, steps: Any, files: Path) -> None:
    wrong = {
        "do.where": steps.do("filter", where="amuont > 1"),
        "do.columns": steps.do("select", columns=["amuont"]),
    }
    for place, step in wrong.items():
        node_id, _, field = place.partition(".")
        shown = run(steps.read(good), step, steps.write("out.csv", "Files", "local_files", "do"))
        assert shown.status == "failed"
        assert (shown.error["code"], shown.error["node_id"], shown.error["field"]) == (
            "VALIDATION_FAILED",
            node_id,
            field,
        )
        assert "'The work'" in shown.sentence
        assert shown.sentence.count("did you mean 'amount'?") == 1
        assert {name: node["status"] for name, node in shown.nodes.items()} == {
            "rows": "completed", "do": "failed", "target": "skipped",
        }  # fmt: skip
        assert [path.name for path in files.iterdir()] == [good]


def test_types_that_do_not_mix_are_said(good: str, run: Callable, steps: Any) -> None:
    shown = run(steps.read(good), steps.do("filter", where="name > 1"))
    assert (shown.error["code"], shown.error["node_id"], shown.error["field"]) == ("VALIDATION_FAILED", "do", "where")
    assert "'name > 1' mixes text and integer" in shown.sentence
    assert "CAST one of them" in shown.sentence
