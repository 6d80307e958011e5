"""Declared actions execute: a call for each row, with keys that a repeat has again; what is refused is rejected."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import polars as pl
import pytest
from headrace.engine.action_step import ActionStep
from headrace.plugins.action_nodes import action_nodes
from headrace.plugins.manager import load_plugins
from headrace.plugins.poll_triggers import poll_triggers
from headrace.plugins.registry import Registry
from headrace.sdk import Config, ConfigError, DataError, Reject, parse_config
from headrace.sdk.manifests import Action, ConnectorManifest, Effect, lazy
from msgspec import Struct


class OrderInput(Config, kw_only=True):
    """What is ordered."""

    sku: str
    count: int = 1
    note: str = ""
    lines: Any = None


class OrderOutput(Struct):
    """What came of it."""

    number: int | None
    sku: str | None
    raw: Any = None


ORDER = Action(id="order", title="Order", input=OrderInput, output=OrderOutput)
MANIFEST = ConnectorManifest(
    id="shop", title="Shop", category="business_apps", config=Config, factory=lazy("a:B"), capabilities=frozenset(),
    actions=(ORDER, msgspec.structs.replace(ORDER, id="tell", output=None, effect=Effect.UPDATE)),
)  # fmt: skip


class Shop:
    """Takes orders, but none of X."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any], str]] = []

    def act(self, action: str, value: Any, *, key: str) -> OrderOutput | None:
        if value.sku == "X":
            raise DataError("there is no X", column="sku")
        self.calls.append((action, msgspec.to_builtins(value), key))
        return OrderOutput(len(self.calls), f"got {value.sku}", {"a": [1]}) if action == "order" else None


class Stage:
    """A step in the engine, without a worker."""

    def __init__(self, scratch: Path, *, rejects: bool = True) -> None:
        self.shop, self.rejected = Shop(), list[Reject]()
        self.wrote: list[Any] = []
        self.engine = load_plugins().registry.engines["polars"].factory.load()()
        self.context: Any = SimpleNamespace(
            engine=self.engine, scratch=scratch, effect_key="e:n", rejects_connected=rejects, progress=lambda _: None,
            connector=lambda _: self.shop, reject=self.rejected.extend,
            wrote=lambda result, **_: self.wrote.append(result),
        )  # fmt: skip

    def run(self, action: str, rows: list[dict[str, Any]] | None = None, **config: Any) -> list[dict[str, Any]]:
        node = next(node for node in action_nodes(MANIFEST) if node.id == action)
        step = ActionStep(parse_config(node.config, {"connection": "Shop", **config}))
        inputs = {} if rows is None else {"in": self.engine.load(iter([pl.DataFrame(rows)]), self.context.scratch)}
        out = step.run(self.context, inputs)["out"]
        return [row for frame in self.engine.batches(out) for row in frame.to_dicts()]


def test_an_input_of_any_value_takes_json_as_what_it_says(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run("order", [
        {"sku": "A", "lines": '[{"n": 1}]', "note": "[1]"}, {"sku": "B", "lines": "[no json", "note": "x"},
    ])  # fmt: skip
    assert [(call[1]["lines"], call[1]["note"]) for call in stage.shop.calls] == [
        ([{"n": 1}], "[1]"), ("[no json", "x"),
    ]  # fmt: skip


def test_each_row_is_a_call_and_a_refused_one_is_rejected(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    rows = [{"sku": "A", "n": 2}, {"sku": "X", "n": 1}, {"sku": "B", "n": None}]
    made = stage.run("order", rows, columns={"count": "n"}, values={"count": 9, "note": "hi"})
    assert made == [
        {"sku": "A", "n": 2, "number": 1, "sku_answer": "got A", "raw": '{"a":[1]}'},
        {"sku": "B", "n": None, "number": 2, "sku_answer": "got B", "raw": '{"a":[1]}'},
    ]
    assert stage.shop.calls == [
        ("order", {"sku": "A", "count": 2, "note": "hi", "lines": None}, "e:n:1"),
        ("order", {"sku": "B", "count": 9, "note": "hi", "lines": None}, "e:n:3"),
    ]  # fmt: skip
    assert [(one.row, one.reason, one.column) for one in stage.rejected] == [(2, "there is no X", "sku")]
    assert [result.written for result in stage.wrote] == [2]


def test_without_rows_it_is_one_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.run("order", values={"sku": "A"}) == [{"number": 1, "sku": "got A", "raw": '{"a":[1]}'}]
    assert stage.shop.calls[0][2] == "e:n"
    assert stage.run("tell", [{"sku": "A"}]) == [{"sku": "A"}]


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rejects=False)
    with pytest.raises(DataError, match="there is no X"):
        stage.run("order", [{"sku": "X"}])
    with pytest.raises(DataError, match="row 1: 'sku': it must be filled in"):
        stage.run("order", [{"other": 1}])
    with pytest.raises(ConfigError, match="the rows have no column 'q'"):
        stage.run("order", [{"sku": "A"}], columns={"count": "q"})
    with pytest.raises(ConfigError, match="'Order' has no input 'size'"):
        stage.run("order", [{"sku": "A"}], columns={"size": "sku"})


def test_node_types_and_triggers_follow_from_the_manifest() -> None:
    found: Registry = load_plugins().registry
    assert found.node("webhook_out.send").manifest.effect is Effect.CREATE
    assert found.node("rss.new_entry").manifest.kind == "trigger"
    assert found.triggers["rss_new_entry"].node_type == "rss.new_entry"
    assert not list(poll_triggers(MANIFEST))
