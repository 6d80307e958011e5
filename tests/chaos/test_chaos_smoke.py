"""A short campaign; `python -m tests.chaos` is the long one."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.campaign import Campaign, Size
from tests.chaos.messages import enumerate_crashes
from tests.chaos.mutants import CONTROLS, believe_late_reports


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path / "lab"))
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(0o711)
    return tmp_path / "chaos"


@pytest.mark.slow
def test_a_short_campaign_is_clean(folder):
    size = Size(dags=12, nodes=12, minutes=0.4)
    outcome = asyncio.run(Campaign(7, size, folder).execute(lambda text: None))
    wrong = [text for text in outcome.report.wrong if "did not bite" not in text]
    assert not wrong, outcome
    assert sum(outcome.faults.values()) >= 5
    assert sum(outcome.report.statuses.values()) == size.dags


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
