"""Each scenario in small: that it ends, and how; `python -m tests.load` is the one that measures."""

from __future__ import annotations

import pytest

from tests.load.__main__ import SCENARIOS
from tests.load.figures import Figures

EXPECTED = {"concurrent": ("calls", 16), "drain": ("failed", 0), "cancel": ("cancelled", 10), "layered": ("parts", 100),
            "foreach": ("parts", 100), "while": ("parts", 10), "subflows": ("parts", 6),
            "fair": ("failed", 0)}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_small_scenario_ends_clean(name):
    figures = Figures(name, "small", keep=False)
    assert SCENARIOS[name](figures, 0.01) == []
    assert figures["failed"] == (0,)
    assert figures["connections"][0] <= 40
    what, number = EXPECTED[name]
    assert figures[what] == (number,)
