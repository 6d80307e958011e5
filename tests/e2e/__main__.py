"""`python -m tests.e2e [NAME ...]`: measures in the browser, prints, and keeps the figures of the whole run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEASURED = ["newcomer", "first_load", "large_flow", "many_rows"]


def main() -> int:
    """The named files, or all that measure."""
    wanted = sys.argv[1:] or MEASURED
    files = [HERE / f"test_{name}.py" for name in wanted]
    missing = [path.name for path in files if not path.exists()]
    if missing:
        known = ", ".join([*MEASURED, "pictures"])
        print(f"there is no {', '.join(missing)} in {HERE.name}; choose {known}", file=sys.stderr)
        return 2
    os.environ |= {"HEADRACE_E2E": "1", "HEADRACE_FIGURES": "1"}
    return int(pytest.main(["-q", "-s", "-m", "", "-p", "no:cacheprovider", "-o", "timeout=900", *map(str, files)]))


if __name__ == "__main__":
    sys.exit(main())
