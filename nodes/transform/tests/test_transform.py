"""The transform nodes: one contract class a node, then what each promises."""
# ruff: noqa: E501 - tables read by line

import polars as pl
import pytest
from headrace.sdk import ConfigError, parse_config
from headrace.testing.node import FakeContext, NodeContract, installed_engine
from headrace_node_transform import headrace_nodes


class _Transform(NodeContract):
    package = "headrace_node_transform"


class TestFilter(_Transform):
    node_id, config = "filter", {"where": "id > 1"}


class TestSelect(_Transform):
    node_id, config = "select", {"columns": ["value", "id"]}


class TestRename(_Transform):
    node_id, config = "rename", {"columns": [{"old": "id", "new": "name"}, {"old": "name", "new": "id"}]}


class TestCast(_Transform):
    node_id, config = "cast", {"columns": [{"column": "id", "type": "text"}, {"column": "value", "type": "integer"}]}


class TestCastReject(_Transform):
    node_id, config = "cast", {"columns": [{"column": "name", "type": "integer"}], "on_failure": "reject"}


class TestDerive(_Transform):
    node_id, config = (
        "derive",
        {"columns": [{"name": "twice", "expression": "id * 2"}, {"name": "id", "expression": "value / id"}]},
    )


class TestSort(_Transform):
    node_id, config = "sort", {"by": [{"column": "id", "descending": True}]}


class TestLimit(_Transform):
    node_id, config = "limit", {"rows": 2}


class TestDistinct(_Transform):
    node_id, config = "distinct", {"columns": ["id"], "keep": "first", "order_by": ["value"]}


class TestAggregate(_Transform):
    node_id = "aggregate"
    config = {"by": ["id"], "aggregates": [{"name": "n"}, {"name": "s", "function": "sum", "column": "value"},
                                           {"name": "e", "expression": "max(value) - min(value)"}]}  # fmt: skip


class TestJoin(_Transform):
    node_id, config = "join", {"how": "full", "keys": [{"left": "id", "right": "id"}]}

    def inputs(self):
        return {"left": super().inputs()["in"], "right": pl.DataFrame({"id": [2, 3], "name": ["b", "c"]})}


class TestUnion(_Transform):
    node_id, config = "union", {}

    def inputs(self):
        return {"in[a]": super().inputs()["in"], "in[b]": pl.DataFrame({"id": [0.5], "more": ["m"]})}


class TestPivot(_Transform):
    node_id, config = "pivot", {"by": ["id"], "column": "name", "values": ["x", "y"], "value": "value"}


class TestUnpivot(_Transform):
    node_id, config = "unpivot", {"columns": ["id", "value"], "name_to": "what", "value_to": "amount"}


class TestWindow(_Transform):
    node_id = "window"
    config = {"functions": [{"name": "rn", "function": "row_number"}, {"name": "p", "function": "lag", "column": "value"},
                            {"name": "r", "function": "rank"}, {"name": "n", "function": "count"}],
              "partition_by": ["name"], "order_by": [{"column": "id", "descending": True}]}  # fmt: skip


class TestFillNulls(_Transform):
    node_id, config = "fill_nulls", {"method": "zero"}


class TestSample(_Transform):
    node_id, config = "sample", {"fraction": 0.5, "seed": 3}


class TestSplit(_Transform):
    node_id, config = "split", {"where": "id > 1"}


class TestExplode(_Transform):
    node_id, config = "explode", {"columns": ["tags"]}

    def inputs(self):
        return {"in": pl.DataFrame({"id": [1, 2, 3], "tags": [["a", "b"], [], None]})}


class TestSql(_Transform):
    node_id, config = "sql", {"query": "SELECT name, sum(value) AS total FROM input GROUP BY name"}


def apply(node_id, config, tmp_path, **frames):
    """Rows of each output port."""
    manifest = next(node for node in headrace_nodes() if node.id == node_id)
    context = FakeContext(installed_engine(), tmp_path)
    lazy = {port: context.engine.adopt(frame.lazy()) for port, frame in frames.items()}
    lazy = {"in[" + p[3:] + "]" if p.startswith("in_") else "in" if p == "input" else p: f for p, f in lazy.items()}
    made = manifest.factory.load()(parse_config(manifest.config, config)).run(context, lazy)
    return {port: pl.concat(list(context.engine.batches(frame))) for port, frame in made.items()}


PEOPLE = pl.DataFrame({"id": [1, 2, None], "age": ["41", "x", None]})


def test_split_loses_no_row(tmp_path):
    made = apply("split", {"where": "id > 1"}, tmp_path, input=PEOPLE)
    assert made["true"]["id"].to_list() == [2]
    assert made["false"]["id"].to_list() == [1, None]


def test_cast_rejects_reconcile(tmp_path):
    made = apply(
        "cast", {"columns": [{"column": "age", "type": "integer"}], "on_failure": "reject"}, tmp_path, input=PEOPLE
    )
    assert made["out"]["age"].to_list() == [41, None]
    assert made["error"].rows() == [(2, "x", "'age' is not integer")]


def test_cast_gives_nulls(tmp_path):
    made = apply(
        "cast", {"columns": [{"column": "age", "type": "integer"}], "on_failure": "null"}, tmp_path, input=PEOPLE
    )
    assert made["out"]["age"].to_list() == [41, None, None]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", {(2, "b", "B")}), ("left", {(1, "a", None), (2, "b", "B"), (None, "n", None)}),
        ("right", {(2, "b", "B"), (3, None, "C"), (None, None, "N")}),
        ("full", {(1, "a", None), (2, "b", "B"), (3, None, "C"), (None, "n", None), (None, None, "N")}),
        ("semi", {(2, "b")}), ("anti", {(1, "a"), (None, "n")}),
    ],
)  # fmt: skip
def test_join_kinds(tmp_path, how, expected):
    left = pl.DataFrame({"k": [1, 2, None], "v": ["a", "b", "n"]})
    right = pl.DataFrame({"key": [2, 3, None], "v": ["B", "C", "N"]})
    made = apply("join", {"how": how, "keys": [{"left": "k", "right": "key"}]}, tmp_path, left=left, right=right)["out"]
    assert made.columns == (["k", "v"] if how in {"semi", "anti"} else ["k", "v", "v_right"])
    assert set(made.rows()) == expected


def test_join_asof(tmp_path):
    left = pl.DataFrame({"t": [5, 1], "who": ["a", "b"]})
    right = pl.DataFrame({"at": [0, 4, 9], "price": [10, 40, 90]})
    made = apply("join", {"how": "asof", "asof": {"left": "t", "right": "at"}}, tmp_path, left=left, right=right)["out"]
    assert dict(made.select("t", "price").rows()) == {1: 10, 5: 40}


def test_union_relaxed_and_strict(tmp_path):
    one, two = pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"a": [0.5], "c": [True]})
    made = apply("union", {}, tmp_path, in_one=one, in_two=two)["out"]
    assert made.rows() == [(1.0, "x", None), (0.5, None, True)]
    with pytest.raises(ConfigError, match="differ in b, c"):
        apply("union", {"mode": "strict"}, tmp_path, in_one=one, in_two=two)


def test_window_follows_the_order(tmp_path):
    frame = pl.DataFrame({"g": ["a", "a", "b"], "v": [1, 3, 2]})
    functions = [{"name": "n", "function": "row_number"}, {"name": "c", "function": "cumulative_sum", "column": "v"},
                 {"name": "l", "function": "lead", "column": "v"}, {"name": "t", "function": "sum", "column": "v"}]  # fmt: skip
    config = {"functions": functions, "partition_by": ["g"], "order_by": [{"column": "v", "descending": True}]}
    assert apply("window", config, tmp_path, input=frame)["out"].rows() == [
        ("a", 1, 2, 4, None, 4), ("a", 3, 1, 3, 1, 4), ("b", 2, 1, 2, None, 2),
    ]  # fmt: skip


def test_sum_of_nothing_is_null(tmp_path):
    frame = pl.DataFrame({"g": ["a", "b", "b"], "v": [None, 1, 2]})
    aggregates = [
        {"name": "s", "function": "sum", "column": "v"},
        {"name": "d", "function": "count_distinct", "column": "v"},
    ]
    made = apply("aggregate", {"by": ["g"], "aggregates": aggregates}, tmp_path, input=frame)["out"]
    assert set(made.rows()) == {("a", None, 0), ("b", 3, 2)}


def test_sample_is_the_same_each_time_and_about_right(tmp_path):
    frame = pl.DataFrame({"id": range(100_000)})
    first = apply("sample", {"fraction": 0.1, "seed": 7}, tmp_path, input=frame)["out"]
    assert first.equals(apply("sample", {"fraction": 0.1, "seed": 7}, tmp_path, input=frame)["out"])
    assert not first.equals(apply("sample", {"fraction": 0.1, "seed": 8}, tmp_path, input=frame)["out"])
    assert 9_500 < first.height < 10_500
    exact = apply("sample", {"rows": 1_000}, tmp_path, input=frame)["out"]
    assert exact.height == 1_000
    assert 40_000 < exact["id"].mean() < 60_000


@pytest.mark.parametrize(
    ("node_id", "config", "message"),
    [
        ("filter", {"where": "agee > 1"}, "'where'.*column 'agee'.*did you mean 'age'"),
        ("filter", {"where": "id + 1"}, "must be true or false"), ("select", {"columns": ["ids"]}, "did you mean 'id'"),
        ("derive", {"columns": [{"name": "x", "expression": "uper(age)"}]}, r"columns\[0\].*did you mean 'upper'"),
        ("sort", {"by": [{"column": "z"}]}, "'by': there is no column 'z'"),
        ("aggregate", {"aggregates": [{"name": "s", "function": "sum", "column": "age"}]}, "sum needs a number, 'age' is text"),
        ("rename", {"columns": [{"old": "id", "new": "age"}]}, "two columns would be called 'age'"),
        ("explode", {"columns": ["age"]}, "'age' is text, not a list"), ("sql", {"query": "SELECT 1; SELECT 2"}, "2 statements"),
        ("fill_nulls", {"method": "forward"}, "needs an order"), ("window", {"functions": [{"name": "x", "function": "rank"}]}, "needs an order"),
    ],
)  # fmt: skip
def test_errors_name_field_and_nearest(tmp_path, node_id, config, message):
    with pytest.raises(ConfigError, match=message):
        apply(node_id, config, tmp_path, input=PEOPLE)


def test_ten_thousand_steps_are_one_plan(tmp_path):
    """No node asks the whole plan for its columns, or this takes minutes and deep plans fail."""
    nodes = {node.id: node for node in headrace_nodes()}
    context = FakeContext(installed_engine(), tmp_path)
    frame = context.engine.adopt(pl.LazyFrame({"id": range(100), "x": [0] * 100}))
    for index in range(10_000):
        kind, config = (
            ("filter", {"where": "id >= 1"})
            if index % 2
            else ("derive", {"columns": [{"name": "x", "expression": "x + 1"}]})
        )
        step = nodes[kind].factory.load()(parse_config(nodes[kind].config, config))
        frame = step.run(context, {"in": frame})["out"]
    (batch,) = context.engine.batches(frame)
    assert batch.height == 99
    assert set(batch["x"]) == {5_000}


@pytest.mark.parametrize(("where", "rows"), [("TRUE", 4), ("1 = 2", 0), ("NULL = 1", 0)])
def test_a_condition_may_be_constant(where, rows):
    import polars as pl
    from headrace.plugins.manager import load_plugins
    from headrace.sdk.expressions import condition
    from headrace.sdk.frames import columns

    engine = load_plugins(only=["plugin-engine_polars"]).registry.engines["polars"].factory.load()()
    frame = engine.adopt(pl.LazyFrame({"id": [1, 2, None, 4]}))
    assert engine.count(frame.filter(condition(where, columns(frame)))) == rows
