"""The table and the tests agree: what it names exists, and what is here is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROMISED = {f"F{n}" for n in range(1, 35) if n != 26}
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def rows() -> dict[str, list[tuple[str, str]]]:
    """Tests by fault."""
    lines = [line.split("|") for line in (HERE / "README.md").read_text().splitlines() if re.match(r"\| F\d+ \|", line)]
    return {cells[1].strip(): _NAMED.findall(cells[3]) for cells in lines}


def test_every_fault_has_a_test_that_exists():
    table = rows()
    assert set(table) == PROMISED
    assert [fault for fault, tests in table.items() if not tests] == []
    missing = [
        f"{fault}: {file}::{name}"
        for fault, tests in table.items()
        for file, name in tests
        if not (ROOT / file).exists() or name not in functions(ROOT / file)
    ]
    assert missing == []


def test_every_test_here_is_in_the_table():
    named = {test for tests in rows().values() for test in tests}
    here = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in HERE.glob("test_fault_*.py")
        if path.name != "test_fault_table.py"
        for name in functions(path)
    }
    assert sorted(here - named) == []
