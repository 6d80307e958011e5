"""Each rule of the connector contract notices what it is there for, and nothing else does."""

from __future__ import annotations

import pytest
from headrace.testing.connector import ConnectorContract

from .mutants import HONEST, MUTANTS
from .nested import Outcomes, outcomes

RULES = {name for name in dir(ConnectorContract) if name.startswith("test_")}
SLOW = [name for name, mutant in MUTANTS.items() if mutant.slow]
QUICK = [name for name, mutant in MUTANTS.items() if not mutant.slow]
OWN = [f"{name}::{rule}" for name in QUICK for rule in sorted(MUTANTS[name].rules)]
LINK = "test_opens_a_new_link_after_a_dropped_one"


@pytest.fixture
def quick(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes("mutant_suite", tmp_path_factory.getbasetemp(), [*(mutant.name for mutant in HONEST), *OWN])


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes("mutant_suite", tmp_path_factory.getbasetemp())


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes("mutant_suite", tmp_path_factory.getbasetemp(), ["Honest", *SLOW], slow=True)


def failed(found: dict[str, str]) -> set[str]:
    return {rule for rule, state in found.items() if state == "failed"}


def test_every_rule_has_a_mutant() -> None:
    named = {rule for mutant in MUTANTS.values() for rule in mutant.rules}
    assert RULES - named == set(), "write a mutant that this rule notices"
    assert named - RULES == set(), "there is no such rule"


@pytest.mark.parametrize("name", [mutant.name for mutant in HONEST])
def test_the_honest_connector_keeps_every_rule(quick: Outcomes, name: str) -> None:
    assert failed(quick[name]) == set()
    skipped = {rule for rule, state in quick[name].items() if state == "skipped"}
    assert skipped == (set() if name == "HonestRemote" else {LINK})


@pytest.mark.parametrize("name", QUICK)
def test_its_own_rules_notice_a_mutant(quick: Outcomes, name: str) -> None:
    assert failed(quick[name]) == MUTANTS[name].rules


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_only_its_own_rules_notice_a_mutant(whole: Outcomes, name: str) -> None:
    assert failed(whole[name]) == MUTANTS[name].rules


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_the_slow_rules_notice_theirs(slow: Outcomes, name: str) -> None:
    assert failed(slow[HONEST[0].name]) == set()
    assert failed(slow[name]) == MUTANTS[name].rules
