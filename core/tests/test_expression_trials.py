"""An expression is tried on the first stored rows: its value, or what is wrong with it and where."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from headrace.infra.expression_trials import ROWS, sql_trial, text_trial
from headrace.sdk.types import Column, DataType

CONTEXT = {"params": {"n": 5, "day": "Monday"}, "execution": {"id": "e1"}}
COLUMNS = (Column("a", DataType.INTEGER), Column("word", DataType.TEXT), Column("none", DataType.INTEGER))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 rows: `a` counts from 1, `none` is null."""
    path = tmp_path_factory.mktemp("trial") / "rows.parquet"
    count = ROWS + 500
    columns = {"a": range(1, count + 1), "word": ["ab"] * count, "none": [None] * count}
    pl.DataFrame(columns, schema_overrides={"none": pl.Int64}).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("text", "value", "type_", "rows"),
    [
        ("a + 1", 2, "integer", 1),
        ("upper(word)", "AB", "text", 1),
        ("a = 1 AND word <> 'x'", True, "boolean", 1),
        ("none + 1", None, "integer", 1),
        ("1 + 1", 2, "integer", 1),
        ("count(*)", ROWS, "integer", ROWS),
        ("max(a)", ROWS, "integer", ROWS),
        ("{{ params.n }} * 2 + a", 11, "integer", 1),
    ],
)
def test_the_value_of_the_first_row_is_shown(stored: Path, text: str, value: object, type_: str, rows: int) -> None:
    trial = sql_trial(text, CONTEXT, stored, COLUMNS)
    assert (trial.problem, trial.value, trial.type, trial.rows) == ("", value, type_, rows)


@pytest.mark.parametrize(
    ("text", "said", "position"),
    [
        ("b + 1", "names the column 'b', which is not there", 1),
        ("a +", "is not a SQL expression", 3),
        ("cast(word AS integer)", "cannot be worked out for these rows", 0),
        ("{{ params.m }}", "asks for something that is not there", 0),
        ("a; DROP TABLE x", "", 0),
    ],
)
def test_what_is_wrong_is_said(stored: Path, text: str, said: str, position: int) -> None:
    trial = sql_trial(text, CONTEXT, stored, COLUMNS)
    assert trial.problem
    assert said in trial.problem
    assert trial.value is None
    if position:
        assert trial.position == position


def test_without_rows_only_the_syntax_is_known() -> None:
    assert sql_trial("a + 1", CONTEXT, None, ()).rows == 0
    assert sql_trial("a + 1", CONTEXT, None, ()).problem == ""
    assert sql_trial("a + ", CONTEXT, None, ()).problem != ""


def test_a_text_is_filled_in() -> None:
    assert text_trial("On {{ params.day|lower }}", CONTEXT).value == "On monday"
    assert "not there" in text_trial("{{ params.week }}", CONTEXT).problem
    assert text_trial("{{ params.__class__ }}", CONTEXT).problem
