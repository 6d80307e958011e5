"""`python -m tests.faults`: every test of this folder, and its figures into `artifacts/trust.json`."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.faults.test_fault_table import rows
from tests.trust import record


class Figures:
    """What the tests measure: `record_property("figure", (name, title, unit, values))`."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self.passed: set[str] = set()
        self.others: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("[")[0]
        if report.when == "call" and report.passed:
            self.passed.add(name)
            for key, (figure, title, unit, values) in report.user_properties:
                if key == "figure":
                    self.values[figure, title, unit] += values
        elif report.failed or report.skipped:
            self.others.add(name)

    def publish(self) -> None:
        """Write them, and how many faults have all their tests passed; a test elsewhere is run too."""
        for (name, title, unit), values in self.values.items():
            record(f"faults.{name}", values, title=title, unit=unit)
        proved = self.passed - self.others
        count = sum(all(f"{file}::{name}" in proved for file, name in tests) for tests in rows().values())
        record("faults.proved", [count], title=f"Faults whose tests all passed, of {len(rows())}", unit="faults")


def main() -> int:
    figures = Figures()
    root = Path(__file__).parents[2]
    named = sorted({f"{root / file}::{name}" for tests in rows().values() for file, name in tests})
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={root}", "-m", "not bench"]
    code = pytest.main([*options, *named], plugins=[figures])
    figures.publish()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
