"""Each rule of the node contract notices what it is there for, and nothing else does."""

from __future__ import annotations

import pytest
from headrace.testing.node import NodeContract

from .nested import Outcomes, outcomes
from .node_mutants import HONEST, MUTANTS

RULES = {name for name in dir(NodeContract) if name.startswith("test_")}


@pytest.fixture
def found(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes("node_mutant_suite", tmp_path_factory.getbasetemp())


def test_every_rule_of_nodes_has_a_mutant() -> None:
    named = {rule for mutant in MUTANTS.values() for rule in mutant.rules}
    assert RULES - named == set(), "write a mutant that this rule notices"
    assert named - RULES == set(), "there is no such rule"


def test_the_honest_node_keeps_every_rule(found: Outcomes) -> None:
    assert found[HONEST.name] == dict.fromkeys(RULES, "passed")


@pytest.mark.parametrize("name", MUTANTS)
def test_only_its_own_rules_notice_a_node(found: Outcomes, name: str) -> None:
    assert {rule for rule, state in found[name].items() if state == "failed"} == MUTANTS[name].rules
