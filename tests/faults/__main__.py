"""`python -m tests.faults [F9 ...]`: the tests of all faults, or of the named; figures into `artifacts/trust.json`."""

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

    def publish(self, *, whole: bool) -> None:
        """Write them; after a run of all, how many faults have all their tests passed, too."""
        for (name, title, unit), values in self.values.items():
            record(f"faults.{name}", values, title=title, unit=unit)
        if not whole:
            return
        proved = self.passed - self.others
        count = sum(all(f"{file}::{name}" in proved for file, name in tests) for tests in rows().values())
        record("faults.proved", [count], title=f"Faults whose tests all passed, of {len(rows())}", unit="faults")


def main() -> int:
    figures, table = Figures(), rows()
    wanted = [word.upper() for word in sys.argv[1:]] or list(table)
    unknown = [word for word in wanted if word not in table]
    if unknown:
        print(f"there is no fault {', '.join(unknown)}; there are {', '.join(table)}", file=sys.stderr)
        return 2
    root = Path(__file__).parents[2]
    named = sorted({f"{root / file}::{name}" for fault in wanted for file, name in table[fault]})
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={root}", "-m", "not bench"]
    code = pytest.main([*options, *named], plugins=[figures])
    figures.publish(whole=len(set(wanted)) == len(table))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
