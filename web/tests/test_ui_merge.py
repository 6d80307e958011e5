"""Two canvases that grew from one are merged: by the module of the page itself, over many random pairs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

UI = Path(__file__).parents[1] / "ui"
BUNDLER = UI / "node_modules" / ".bin" / "rolldown"
PAIRS = 300
SCRIPT = """
import { merged, points } from '%s/src/flow/merge'
const given = JSON.parse(await new Response(process.stdin).text())
const all = (found, side) => new Map(found.map((point) => [point.key, side]))
console.log(JSON.stringify(given.map(([base, mine, theirs]) => {
  const found = points(base, mine, theirs)
  return {
    points: found, auto: merged(base, mine, theirs, new Map()), turned: merged(base, theirs, mine, new Map()),
    mine: merged(base, mine, theirs, all(found, 'mine')), theirs: merged(base, mine, theirs, all(found, 'theirs')),
  }
})))
"""
GLOBALS = """
globalThis.document = { documentElement: { lang: 'en' }, getElementById: () => null }
"""
Doc = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def merge(tmp_path_factory: pytest.TempPathFactory):
    """Runs the page's own merge over `[base, mine, theirs]` triples."""
    node = shutil.which("node")
    if node is None or not BUNDLER.exists():
        pytest.skip("Node and the UI's packages are needed; run `make ui`")
    place = tmp_path_factory.mktemp("merge")
    entry, built, before = place / "entry.ts", place / "built.mjs", place / "before.mjs"
    entry.write_text(SCRIPT % UI.as_posix())
    before.write_text(GLOBALS)
    asked = [node, str(BUNDLER), str(entry), "--file", str(built), "--format", "esm", "--platform", "node"]
    subprocess.run(asked, check=True, capture_output=True, timeout=60)
    built.write_text(built.read_text().replace("import.meta.glob", "((..._) => ({}))"))

    def run(triples: list[list[Doc]]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [node, "--import", before.as_uri(), str(built)], input=json.dumps(triples), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    return run


def step(id_: str, parent: str = "", **config: Any) -> dict[str, Any]:
    node = {"id": id_, "type": "step", "position": {"x": 0, "y": 0},
            "data": {"label": id_, "nodeType": "t", "config": config}}  # fmt: skip
    return {**node, "parentId": parent} if parent else node


def wire(source: str, target: str) -> dict[str, str]:
    return {"id": f"{source}{target}", "source": source, "sourceHandle": "out", "target": target, "targetHandle": "in"}


def grown(doc: Doc, chance: random.Random, name: str) -> Doc:
    """The document after a few acts of somebody: settings, new steps, steps and wires that go."""
    nodes, edges = (json.loads(json.dumps(doc[part])) for part in ("nodes", "edges"))
    for number in range(chance.randrange(1, 5)):
        act, one = chance.randrange(5), chance.choice(nodes) if nodes else step("none")
        if act == 0:
            one["data"]["config"][chance.choice(["x", "y", "a.b"])] = chance.randrange(100)
        elif act == 1:
            one["data"]["label"] = f"{name}{number}"
        elif act == 2:
            nodes.append(step(f"{name}{number}", x=1))
            edges.append(wire(one["id"], f"{name}{number}"))
        elif act == 3 and len(nodes) > 1:
            nodes = [node for node in nodes if node["id"] != one["id"] and node.get("parentId") != one["id"]]
        elif edges:
            edges.remove(chance.choice(edges))
    known = {node["id"] for node in nodes}
    return {"nodes": nodes, "edges": [e for e in edges if e["source"] in known and e["target"] in known]}


def content(doc: Doc) -> tuple[str, list[tuple[str, str]]]:
    """What a document means: its steps by id and its wires; neither order nor places."""
    nodes = {node["id"]: [node["data"], node.get("parentId")] for node in doc["nodes"]}
    return json.dumps(nodes, sort_keys=True), sorted((edge["source"], edge["target"]) for edge in doc["edges"])


def pairs(seed: int) -> list[list[Doc]]:
    chance = random.Random(seed)
    start: Doc = {
        "nodes": [step("a", x=1, y=1), step("b", x=2), step("loop"), step("in", "loop", x=3), step("c")],
        "edges": [wire("a", "b"), wire("b", "c")],
    }
    return [[start, grown(start, chance, "m"), grown(start, chance, "t")] for _ in range(PAIRS)]


def test_what_only_one_side_changed_is_that_side(merge) -> None:
    triples = pairs(1)
    alone = [[base, mine, base] for base, mine, _ in triples] + [[base, base, theirs] for base, _, theirs in triples]
    for (base, mine, theirs), found in zip(alone, merge(alone), strict=True):
        assert content(found["auto"]) == content(mine if theirs is base else theirs)
        assert {point["by"] for point in found["points"]} <= {"mine" if theirs is base else "theirs"}


def test_both_together_are_whole_and_the_same_from_either_side(merge) -> None:
    triples = pairs(2)
    plain = 0
    for (_, mine, theirs), found in zip(triples, merge(triples), strict=True):
        for made in (found["auto"], found["mine"], found["theirs"]):
            known = {node["id"] for node in made["nodes"]}
            assert all(edge["source"] in known and edge["target"] in known for edge in made["edges"])
            places = [node["id"] for node in made["nodes"]]
            held = [node for node in made["nodes"] if node.get("parentId")]
            assert all(places.index(node["parentId"]) < places.index(node["id"]) for node in held)
            assert len(places) == len(set(places))
        if not any(point["by"] == "both" for point in found["points"]):
            plain += 1
            assert content(found["auto"]) == content(found["turned"])
        assert content(found["mine"]) == content(mine)
        assert content(found["theirs"]) == content(theirs)
    assert 0 < plain < PAIRS, "both kinds of pairs are among them"


def test_a_setting_that_both_changed_is_said_with_what_was_there(merge) -> None:
    base: Doc = {"nodes": [step("a", x=1, deep={"k": 1})], "edges": []}
    mine: Doc = {"nodes": [step("a", x=2, deep={"k": 1})], "edges": []}
    theirs: Doc = {"nodes": [step("a", x=3, deep={"k": 9})], "edges": []}
    (found,) = merge([[base, mine, theirs]])
    said = {point["path"]: (point["by"], point["base"], point["mine"], point["theirs"]) for point in found["points"]}
    assert said == {"config.x": ("both", 1, 2, 3), "config.deep.k": ("theirs", 1, 1, 9)}
    assert found["auto"]["nodes"][0]["data"]["config"] == {"x": 2, "deep": {"k": 9}}
