"""The node contract over each mutant; run by test_node_mutants.py in a process of its own, not collected otherwise."""

from __future__ import annotations

import pytest
from headrace.sdk import NodeManifest
from headrace.testing.node import NodeContract

from .node_mutants import HONEST, MUTANTS, NodeMutant


class MutantSuite(NodeContract):
    config = {"column": "value"}
    mutant: NodeMutant

    @pytest.fixture
    def manifest(self) -> NodeManifest:
        return self.mutant.declared()


for _mutant in (HONEST, *MUTANTS.values()):
    globals()[f"Test{_mutant.name}"] = type(
        f"Test{_mutant.name}", (MutantSuite,), {"mutant": _mutant, "__module__": __name__}
    )
del MutantSuite
