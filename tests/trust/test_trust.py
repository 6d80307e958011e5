"""What is published is what was measured."""

from __future__ import annotations

import pytest

from tests.trust import record
from tests.trust.__main__ import PAGE, page
from tests.trust.figures import read
from tests.trust.proofs import take


def test_the_page_is_what_the_artifact_says():
    assert PAGE.read_text() == page(read()), "call `python -m tests.trust`"


def test_a_figure_replaces_the_last_of_its_name_and_leaves_the_others(tmp_path):
    artifact = tmp_path / "artifacts" / "trust.json"
    record("load.drain", [3.0, 1.0, 2.0], title="Drained", unit="executions/s", artifact=artifact)
    record("chaos.lost", [0], title="Lost", unit="executions", seed="1-5", artifact=artifact)
    record("load.drain", range(1, 201), title="Drained", unit="executions/s", artifact=artifact)
    lost, drained = read(artifact)
    assert (lost.n, lost.median, lost.seed) == (1, 0, "1-5")
    assert (drained.n, drained.median, drained.min, drained.max, drained.high) == (200, 100.5, 1, 200, 198)
    text = page([lost, drained])
    assert "| Lost | executions | 1 | 0 | 0 | 0 |" in text
    assert text.index("## Crashes and losses") < text.index("## Load")
    assert lost.commit in text


@pytest.mark.parametrize(("name", "values"), [("load.drain", []), ("drain", [1])])
def test_a_figure_without_value_or_suite_is_refused(name, values, tmp_path):
    with pytest.raises(ValueError, match="needs a value and a name like"):
        record(name, values, title="x", unit="s", artifact=tmp_path / "trust.json")
    assert not (tmp_path / "trust.json").exists()


def test_figures_of_members_come_by_the_report_of_pytest(tmp_path):
    (tmp_path / "r.xml").write_text(
        '<testsuites><testsuite><testcase name="a"><properties><property name="security: keys, reads" value="7"/>'
        '<property name="other" value="x"/></properties></testcase><testcase name="b"><properties>'
        '<property name="security: lost" value="1"/></properties><failure message="x"/></testcase></testsuite>'
        "</testsuites>"
    )
    [figure] = take(tmp_path / "r.xml", artifact=tmp_path / "trust.json")
    assert (figure.name, figure.title, figure.median) == ("security.keys_reads", "Keys, reads", 7)
    assert read(tmp_path / "trust.json") == [figure], "what failed proves nothing"
