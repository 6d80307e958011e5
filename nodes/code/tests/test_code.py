"""The code node: its contract, then what it promises."""
# ruff: noqa: E501, DTZ001 - tables read by line; local timestamps are a type

import datetime as dt
import json
from decimal import Decimal

import polars as pl
import pytest
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.flows.validate import validate
from headrace.sdk import ConfigError, DataError, parse_config
from headrace.testing.node import FakeContext, NodeContract, installed_engine
from headrace_node_code import headrace_nodes
from headrace_node_code.configs import CodeConfig
from headrace_node_code.node import Code


class _Code(NodeContract):
    package, node_id = "headrace_node_code", "python"
    skip_reasons = {
        "test_never_collects": "code in a sandbox sees values, and its rejected rows are known when it ends"
    }


class TestRows(_Code):
    config = {"code": "row['name'] = (row['name'] or '').upper()\nreturn row"}


class TestDeclared(_Code):
    config = {
        "code": "def transform(row):\n    return {'id': row['id'], 'more': [row['name']]}",
        "columns": [{"name": "id", "type": "integer"}, {"name": "more", "type": "json"}],
    }


class TestColumns(_Code):
    config = {"mode": "columns", "code": "columns['id'] = [i and i + 1 for i in columns['id']]\nreturn columns"}


class Context(FakeContext):
    connected = True

    @property
    def rejects_connected(self):
        return self.connected


@pytest.fixture
def ctx(tmp_path):
    return Context(installed_engine(), tmp_path)


def run(ctx, frame, code, **config):
    node = Code(parse_config(CodeConfig, {"code": code, **config}))
    made = node.run(ctx, {"in": ctx.engine.adopt(frame.lazy())})
    return made["out"].to_native().collect()


NUMBERS = pl.DataFrame({"n": [1, 2, 3, 4], "t": ["a", "b", None, "d"]})
TYPED = pl.DataFrame(
    {
        "flag": [True, None], "small": [-128, 127], "big": [2**64 - 1, 0], "real": [0.1, float("inf")], "text": ["ü\0", ""],
        "raw": [b"\0\xff", None], "day": [dt.date(1, 1, 1), dt.date(9999, 12, 31)], "hour": [dt.time(23, 59, 59, 999999), None],
        "local": [dt.datetime(2024, 3, 31, 2, 30, 0, 1), None], "span": [dt.timedelta(days=-1, microseconds=1), None],
        "money": [Decimal("12345678901234567890.123456"), Decimal("-0.000001")], "list": [[1, None], []],
        "struct": [{"a": 1, "b": "x"}, None],
    },
    schema_overrides={"small": pl.Int8, "big": pl.UInt64, "money": pl.Decimal(38, 6)},
).with_columns(
    pl.Series("zoned", [dt.datetime(2024, 10, 27, 0, 30), dt.datetime(2024, 10, 27, 1, 30)])
    .dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
    pl.Series("single", [0.1, None], dtype=pl.Float32),
)  # fmt: skip


@pytest.mark.parametrize(("mode", "code"), [("rows", "return row"), ("columns", "return columns")])
def test_every_type_comes_back_exactly(ctx, mode, code):
    made = run(ctx, TYPED, code, mode=mode)
    assert not ctx.rejected
    assert made.schema == TYPED.schema
    assert made.equals(TYPED)


def test_values_are_python_values_of_their_own_kind(ctx):
    code = "return {name: type(value).__name__ for name, value in row.items()}"
    columns = [{"name": name, "type": "text"} for name in TYPED.columns]
    (kinds,) = run(ctx, TYPED.head(1), code, columns=columns).to_dicts()
    assert kinds == {
        "flag": "bool", "small": "int", "big": "int", "real": "float", "text": "str", "raw": "bytes", "day": "date",
        "hour": "time", "local": "datetime", "span": "timedelta", "money": "Decimal", "list": "list", "struct": "dict",
        "zoned": "datetime", "single": "float",
    }  # fmt: skip


def test_drop_explode_and_count(ctx):
    code = "if row['n'] == 1: return None\nif row['n'] == 2: return [row, {**row, 'n': 20}]\nif row['n'] == 3: return []\nreturn row"
    made = run(ctx, NUMBERS, code)
    assert made["n"].to_list() == [2, 20, 4]
    assert any("2 of 4 rows were dropped" in line for line in ctx.lines)


def test_a_forgotten_return_is_said(ctx):
    made = run(ctx, NUMBERS, "row['n'] += 1")
    assert made.height == 0
    assert made.schema == NUMBERS.schema
    assert any(line.startswith("warning") and "did you forget 'return row'?" in line for line in ctx.lines)


def test_failing_rows_leave_by_the_error_port(ctx):
    code = "# first\nif row['n'] in (2, 3):\n    raise ValueError(f\"no {row['n']}\")\nreturn row"
    made = run(ctx, NUMBERS, code, batch_rows=2)
    assert made["n"].to_list() == [1, 4]
    assert [(r.row, r.reason) for r in ctx.rejected] == [
        (2, "ValueError: no 2 (line 3 of the code)"), (3, "ValueError: no 3 (line 3 of the code)")
    ]  # fmt: skip
    assert json.loads(ctx.rejected[1].data) == {"n": 3, "t": None}


def test_without_the_error_port_the_step_stops_naming_row_and_line(ctx):
    ctx.connected = False
    code = "def helper(row):\n    return row['t'].upper()\n\ndef transform(row):\n    row['t'] = helper(row)\n    return row\n"
    with pytest.raises(DataError, match=r"row 3: AttributeError: .*\(line 2 of the code\)"):
        run(ctx, NUMBERS, code)


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        ("'1'", "integer", "the column is integer, the code gave a text"),
        ("True", "integer", "the code gave a boolean"), ("1.0", "integer", "the code gave a float"),
        ("2**63", "integer", "does not fit an integer of 64 bits"), ("2**53 + 1", "float", "not exact as a float"),
        ("1", "boolean", "the code gave an integer"), ("1", "text", "the code gave an integer"),
        ("0.1", "decimal", "the code gave a float"), ("{1}", "json", "TypeError: the code gave a set"),
        ("(lambda: 1)", "text", "TypeError: the code gave a function"), ("float('nan')", "json", "is not JSON"),
        ("'{'", "json", "must be JSON itself"), ("'x'", "uuid", "not a UUID"), ("'2024-01-01'", "date", "gave a text"),
        ("b'x'", "text", "gave binary"), ("[1]", "text", "gave a list"), ("range(3)", "text", "gave a range"),
        ("__import__", "text", "NameError"), ("object()", "text", "object"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_rejected_never_null(ctx, given, kind, reason):
    made = run(ctx, NUMBERS.head(1), f"return {{'x': {given}}}", columns=[{"name": "x", "type": kind}])
    assert made.height == 0
    assert len(ctx.rejected) == 1
    assert reason in ctx.rejected[0].reason
    assert ctx.rejected[0].row == 1


def test_decimals_are_never_rounded(ctx):
    column = [{"name": "x", "type": "decimal", "precision": 5, "scale": 2}]
    code = "from decimal import Decimal\ndef transform(row):\n    return {'x': Decimal(row['d'])}"
    frame = pl.DataFrame({"d": ["1.2", "1.200", "1.234", "999.99", "1000", "NaN", "1e999999", "1e-999999", "0e9"]})
    made = run(ctx, frame, code, columns=column)
    assert made["x"].to_list() == [Decimal("1.20"), Decimal("1.20"), Decimal("999.99"), Decimal("0.00")]
    assert [r.row for r in ctx.rejected] == [3, 5, 6, 7, 8]
    assert made.schema["x"] == pl.Decimal(5, 2)


def test_zones(ctx):
    code = (
        "from datetime import datetime, timezone, timedelta\n"
        "def transform(row):\n    return {'x': datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=row['h']))) if row['h'] else datetime(2024, 7, 1)}"
    )
    frame = pl.DataFrame({"h": [2, 0, -5]})
    made = run(ctx, frame, code, columns=[{"name": "x", "type": "timestamp", "zone": "Europe/Berlin"}])
    assert [value.isoformat() for value in made["x"]] == ["2024-07-01T12:00:00+02:00", "2024-07-01T19:00:00+02:00"]
    assert "no offset" in ctx.rejected[0].reason


def test_columns_nobody_declared_are_inferred_and_said(ctx):
    code = "return {'n': row['n'], 'f': row['n'] / 2 if row['n'] > 1 else 1, 'j': [row['n']], 'none': None}"
    made = run(ctx, NUMBERS, code)
    assert made.schema == {"n": pl.Int64, "f": pl.Float64, "j": pl.String, "none": pl.String}
    assert made["f"].to_list() == [1.0, 1.0, 1.5, 2.0]
    assert made["j"][0] == "[1]"
    assert any("output columns are taken from the first rows: n integer, f float" in line for line in ctx.lines)


def test_other_keys_than_the_first_row_are_rejected(ctx):
    code = "if row['n'] == 2: return {'n': 2}\nif row['n'] == 3: return {**row, 'nn': 1}\nreturn row"
    assert run(ctx, NUMBERS, code)["n"].to_list() == [1, 4]
    assert [r.reason for r in ctx.rejected] == [
        "'t' is missing from the row; give it, with None where there is no value",
        "there is no output column 'nn', declare it; did you mean 'n'?",
    ]


def test_the_batch_size_changes_nothing_in_rows_mode(ctx):
    code = "seen = []\ndef transform(row):\n    seen.append(row['n'])\n    return {**row, 'n': sum(seen)}"
    assert run(ctx, NUMBERS, code, batch_rows=1).equals(run(ctx, NUMBERS, code))


def test_one_dict_for_all_rows_does_not_blend_them(ctx):
    code = "out = {}\ninner = []\ndef transform(row):\n    inner.append(row['n'])\n    out['n'] = row['n']\n    out['l'] = inner\n    return out"
    made = run(ctx, NUMBERS, code)
    assert made["n"].to_list() == [1, 2, 3, 4]
    assert made["l"].to_list() == ["[1]", "[1, 2]", "[1, 2, 3]", "[1, 2, 3, 4]"]


def test_an_exploded_row_is_taken_whole_or_not_at_all(ctx):
    made = run(ctx, NUMBERS, "return [row, {**row, 'n': 'bad' if row['n'] == 2 else 9}]")
    assert made["n"].to_list() == [1, 9, 3, 9, 4, 9]
    assert [r.row for r in ctx.rejected] == [2]


def test_columns_mode_may_change_the_number_of_rows(ctx):
    made = run(ctx, NUMBERS, "return {'total': [sum(columns['n'])]}", mode="columns")
    assert made.to_dicts() == [{"total": 10}]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("return None", "give a dict of lists"), ("return {'n': 1}", "an integer for 'n'"),
        ("return {'n': [1], 't': []}", "different lengths in rows 1 to 4: 'n' 1, 't' 0"),
        ("x = 1\nreturn columns['zz']", r"failed in rows 1 to 4: KeyError: .*line 2"),
    ],
)  # fmt: skip
def test_columns_mode_says_what_is_wrong(ctx, code, said):
    with pytest.raises(DataError, match=said):
        run(ctx, NUMBERS, code, mode="columns")


def test_columns_mode_rejects_single_values(ctx):
    made = run(
        ctx,
        NUMBERS,
        "columns['n'] = ['x' if n == 3 else n for n in columns['n']]\nreturn columns",
        mode="columns",
        batch_rows=3,
    )
    assert made["n"].to_list() == [1, 2, 4]
    assert [(r.row, r.column) for r in ctx.rejected] == [(3, "n")]


def test_params_are_plain_data(ctx):
    ctx.params = {"add": 10, "deep": {"x": [1]}}
    assert run(ctx, NUMBERS, "row['n'] += params['add'] + params['deep']['x'][0]\nparams['add'] = 0\nreturn row")[
        "n"
    ].to_list() == [12, 3, 4, 5]
    assert ctx.params == {"add": 10, "deep": {"x": [1]}}


def test_prints_go_to_the_log(ctx):
    run(
        ctx,
        NUMBERS,
        "import sys\ndef transform(row):\n    print('at', row['n'])\n    print('bad', file=sys.stderr, end='')\n    return row",
    )
    assert [line for line in ctx.lines if "'print'" in line][:2] == [
        "info at 1 {'source': 'print'}",
        "info at 2 {'source': 'print'}",
    ]
    assert "warning badbadbadbad {'source': 'print'}" in ctx.lines


def test_random_numbers_are_the_same_in_every_attempt(ctx):
    code = "import random\ndef transform(row):\n    return {**row, 'r': random.random()}"
    assert run(ctx, NUMBERS, code).equals(run(ctx, NUMBERS, code))


def test_many_batches_and_types_stay_in_order(ctx):
    frame = pl.DataFrame({"n": range(12_345)})
    made = run(ctx, frame, "row['n'] *= 2\nreturn row", batch_rows=1_000)
    assert made["n"].to_list() == list(range(0, 24_690, 2))


def test_large_rows_come_in_smaller_batches(ctx):
    frame = pl.DataFrame({"t": ["x" * 500_000] * 40})
    assert run(ctx, frame, "return {'n': len(row['t'])}", memory_mb=16)["n"].to_list() == [500_000] * 40


def test_a_body_keeps_texts_of_several_lines(ctx):
    code = "x = '''a\n  b\nc'''\ny = f'''{1}\n z'''\nreturn {'x': x + y}"
    assert run(ctx, NUMBERS.head(1), code)["x"].to_list() == ["a\n  b\nc1\n z"]


def test_braces_are_the_users_own(ctx):
    assert CodeConfig.verbatim == {"code"}
    assert run(ctx, NUMBERS.head(1), "x = 1\nreturn {'x': f'{{{x}}}'}")["x"].to_list() == ["{1}"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("row['n'] = = 1\nreturn row", r"line 1"), ("x = 1\nreturn (", r"line 2"), ("def transform(row):\n  return x +", "line 2"),
        ("yield row", "does not support yield"), ("class A(dict): pass", "does not support class inheritance"), (" \n# nothing", "there is no code"),
        ("(" * 20_000, "too deeply nested"), ("from math import *", "Wildcard"),
        ("def transform(row):\n    return row\nimport (", "line 3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_without_executing(code, said):
    with pytest.raises(ConfigError, match=f"'code': .*{said}"):
        parse_config(CodeConfig, {"code": code})


def test_nothing_is_executed_when_the_code_is_checked():
    assert parse_config(CodeConfig, {"code": "while True:\n    pass\ndef transform(row):\n    return row"})


def test_validation_of_a_flow_names_the_step_and_field():
    class Types:
        def node(self, type_id):
            return type("T", (), {"manifest": headrace_nodes()[0]})

    graph = FlowGraph(
        nodes=(NodeSpec(id="a", type="code.python", label="Clean", config={"code": "return ("}),), edges=()
    )
    problem = next(p for p in validate(graph, Types()) if p.code == "config_invalid")
    assert problem.path == "config.code"
    assert "'Clean', field 'code': " in problem.message
    assert "(line 1)" in problem.message


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([{"name": "a", "type": "text"}, {"name": "a", "type": "text"}], "declared twice"),
        ([{"name": "a", "type": "decimal", "precision": 2, "scale": 3}], "more digits"),
        ([{"name": "a", "type": "timestamp", "zone": "../etc/passwd"}], "no time zone"),
    ],
)  # fmt: skip
def test_columns_are_checked(columns, said):
    with pytest.raises(ConfigError, match=said):
        parse_config(CodeConfig, {"code": "return row", "columns": columns})


@pytest.mark.parametrize(
    "bad", [{"seconds": 301}, {"memory_mb": 4_096}, {"recursion": 5_000}, {"batch_rows": 0}, {"total_seconds": 1e9}]
)
def test_limits_have_ceilings(bad):
    with pytest.raises(ConfigError):
        parse_config(CodeConfig, {"code": "return row", **bad})
