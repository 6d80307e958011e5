"""A short campaign; `python -m tests.chaos` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos.__main__ import campaign
from tests.chaos.campaign import Size
from tests.chaos.messages import enumerate_crashes
from tests.chaos.mutants import CONTROLS, believe_late_reports


@pytest.mark.slow
def test_a_short_campaign_is_clean():
    size = Size(dags=40, nodes=12, minutes=0.6)
    outcome = campaign(7, size)
    wrong = [text for text in outcome.report.wrong if "did not bite" not in text]
    assert not wrong, outcome
    assert sum(outcome.faults.values()) >= 3
    assert sum(outcome.report.statuses.values()) >= size.dags


@pytest.mark.slow
def test_a_crash_after_every_fortieth_message_is_survived():
    said = []
    assert enumerate_crashes(said.append, step=40), said
    assert "survived" in said[0]


def test_the_control_of_fences_still_finds_what_it_breaks(monkeypatch):
    from headrace.executions import statements

    monkeypatch.setattr(statements, "HELD", statements.HELD)
    before = statements.HELD.text
    believe_late_reports()
    assert statements.HELD.text != before
    assert len(CONTROLS) == 3
