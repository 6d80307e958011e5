"""Random flows: gates that work a little, calls and sinks of the io lane, merges of all or any, waits."""

from __future__ import annotations

import random
from pathlib import Path

from headrace.flows.graph import Edge, FlowGraph, NodeSpec

KINDS = {"gate": 3, "call": 2, "post": 3, "merge": 2, "wait": 1}
OUTPUT = {"post": "result"}


def dag(rng: random.Random, nodes: int, folder: Path, *, forgetful: bool) -> FlowGraph:
    """One flow of that many nodes; every node but the first has parents among those before it."""
    kinds = {"n0": "rows"}
    specs, edges = [NodeSpec(id="n0", type="lab.rows", config={"count": 2})], []
    for number in range(1, nodes):
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0] if number > 2 else "gate"
        name = f"n{number}"
        kinds[name] = kind
        wanted = rng.randint(2, 3) if kind == "merge" else 1
        parents = rng.sample(sorted(kinds)[:-1] or ["n0"], 1) if wanted == 1 else rng.sample(list(kinds)[:-1], wanted)
        parents = [parent for parent in parents if parent != name] or ["n0"]
        edges += [Edge(source=p, source_port=OUTPUT.get(kinds[p], "out"), target=name) for p in parents]
        specs.append(NodeSpec(id=name, type=_TYPES[kind], config=_config(rng, kind, folder, forgetful)))
    return FlowGraph(nodes=tuple(specs), edges=tuple(edges))


_TYPES = {"gate": "lab.gate", "call": "lab.call", "post": "lab.post", "merge": "control.merge", "wait": "control.wait"}


def _config(rng: random.Random, kind: str, folder: Path, forgetful: bool) -> dict:
    takes_s = round(rng.uniform(0.01, 0.1), 3)
    return {
        "gate": {"began": str(folder / "began"), "takes_s": takes_s},
        "call": {"began": str(folder / "called"), "takes_s": takes_s},
        "post": {"ledger": str(folder / "ledger.db"), "takes_s": takes_s, "forgetful": forgetful},
        "merge": {"wait_for": rng.choice(["all", "any"])},
        "wait": {"seconds": round(rng.uniform(0.1, 1.0), 2)},
    }[kind]
