"""`python -m tests.trust.proofs REPORT.xml...`: figures that tests of members have told pytest.

A member's test knows nothing of this folder: it says `record_property("security: what was counted", 3)`, and pytest
writes that to its report (`--junitxml`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from defusedxml.ElementTree import parse

from tests.trust.figures import ARTIFACT, Figure, record

_SAID = re.compile(r"([a-z]+): (.+)")


def take(report: Path, *, artifact: Path = ARTIFACT) -> Iterator[Figure]:
    """Record the figures of the tests of a report that passed."""
    for case in parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            continue
        for said in case.iter("property"):
            match = _SAID.fullmatch(said.get("name", ""))
            if match is not None:
                name = re.sub(r"\W+", "_", match[2]).strip("_").lower()
                title = match[2][0].upper() + match[2][1:]
                yield record(f"{match[1]}.{name}", [float(said.get("value"))], title=title, unit="count",
                             artifact=artifact)  # fmt: skip


if __name__ == "__main__":
    print("\n".join(f"{one.title}: {one.median:g}" for name in sys.argv[1:] for one in take(Path(name))))
