"""What the README tells a stranger to type can be typed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOLD = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
FLOWS = sorted(set(re.findall(r"headrace flow \w+ (\S+\.yaml)", "\n".join(TOLD))))


def test_there_are_flows_to_run() -> None:
    assert FLOWS
    assert (ROOT / "examples" / "first_hour.py").exists()


@pytest.mark.parametrize("path", FLOWS)
def test_a_flow_that_is_named_is_a_flow(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "flow", "validate", path],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 problems" in done.stdout
