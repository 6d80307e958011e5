"""Workflows as n8n writes them, and what becomes of each step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from headrace.flows.canvas import graph_of
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.sdk.config import parse_config
from headrace_plugin_n8n.convert import convert
from headrace_plugin_n8n.workflow import told

WORKFLOWS = Path(__file__).parent / "workflows"
FILES = sorted(file.stem for file in WORKFLOWS.glob("*.json"))


def workflow(name: str) -> dict[str, Any]:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def registry():
    return load_plugins().registry


class Converted:
    """A converted workflow, easy to ask."""

    def __init__(self, found: dict[str, Any], known: dict[str, str] | None = None) -> None:
        made = convert(found, known or {})
        self.definition = made.definition
        self.nodes = {node["data"]["label"] or node["id"]: node for node in made.definition["nodes"]}
        self.findings = {one.step: one for one in made.findings}
        names = {node["id"]: label for label, node in self.nodes.items()}
        self.edges = {
            (names[e["source"]], e["sourceHandle"], names[e["target"]], e["targetHandle"])
            for e in made.definition["edges"]
        }

    def config(self, step: str) -> dict[str, Any]:
        return self.nodes[step]["data"]["config"]

    def became(self) -> dict[str, str]:
        return {name: one.became for name, one in self.findings.items()}


def one(type_: str, parameters: dict[str, Any], version: float = 1, before: str = "manualTrigger", **more: Any):
    """A workflow of a start and one step; what became of that step."""
    start = {
        "name": "Start",
        "type": f"n8n-nodes-base.{before}",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": {},
    }
    step = {
        "name": "It",
        "type": f"n8n-nodes-base.{type_}",
        "typeVersion": version,
        "position": [200, 0],
        "parameters": parameters,
        **more,
    }
    wires = {"Start": {"main": [[{"node": "It", "type": "main", "index": 0}]]}}
    return Converted({"id": "x", "name": "x", "nodes": [start, step], "connections": wires})


@pytest.mark.parametrize("name", FILES)
def test_every_step_is_there_and_what_is_mapped_is_valid(name, registry):
    found = workflow(name)
    made = Converted(found, {"cE6callee": "01900000-0000-7000-8000-000000000001"})
    assert list(made.findings) == [node["name"] for node in found["nodes"]]
    graph = graph_of(made.definition)
    for node in graph.nodes:
        parse_config(registry.node(node.type).manifest.config, node.config)
    problems = validate(graph, registry)
    allowed = {"placeholder", "connection_missing"}
    assert not [one for one in problems if one.severity == "error" and one.code not in allowed]
    blocked = {one.node_id for one in problems if one.code == "placeholder"}
    standing = {made.nodes[name]["id"] for name, one in made.findings.items() if one.became == "placeholder"}
    disabled = {node.id for node in graph.nodes if node.disabled}
    assert blocked == standing - disabled


def test_branches_meet_again_and_notes_stay_notes():
    made = Converted(workflow("orders"))
    assert set(made.became().values()) == {"mapped", "check"}
    assert made.became()["Sorted"] == "check", "n8n orders without heed to capital letters"
    assert ("Large?", "true", "Mark large", "in") in made.edges
    assert ("Large?", "false", "Mark small", "in") in made.edges
    assert {edge for edge in made.edges if edge[2] == "Merge"} == {
        ("Mark large", "out", "Merge", "in"),
        ("Mark small", "out", "Merge", "in"),
    }
    note = made.nodes["Orders"]
    assert (note["type"], note["data"]["color"], note["data"]["text"]) == (
        "note",
        "green",
        "Only those that are **open**.",
    )
    assert "nodeType" not in note["data"]


def test_a_loop_holds_the_steps_of_its_ring():
    made = Converted(workflow("loop"))
    loop = made.nodes["Loop Over Items"]["id"]
    assert made.config("Loop Over Items") == {"over": "batches", "batch_rows": 2, "parallel": 1}
    assert {name for name, node in made.nodes.items() if node.get("parentId") == loop} == {"Double", "Pause"}
    assert ("Loop Over Items", "item", "Double", "in") in made.edges
    assert ("Pause", "out", "Loop Over Items", "result") in made.edges
    assert ("Loop Over Items", "out", "No Operation, do nothing", "in") in made.edges


def test_a_placeholder_keeps_all_that_was_there_and_names_the_sign_in():
    made = Converted(workflow("agent"))
    assert made.became() == {
        "Start": "mapped",
        "Code": "placeholder",
        "Python": "placeholder",
        "AI Agent": "placeholder",
        "Chat model": "placeholder",
        "Community": "placeholder",
        "Old mail": "placeholder",
    }
    community = made.config("Community")
    assert community["parameters"] == workflow("agent")["nodes"][5]["parameters"]
    assert community["original_type"] == "n8n-nodes-acme.acmeThing"
    assert made.config("Chat model")["more"]["connections"] == [
        {"to": "AI Agent", "kind": "ai_languageModel", "output": 0, "input": 0}
    ]
    assert made.config("Chat model")["more"]["credentials"] == {"openAiApi": "OpenAI"}
    assert any("'OpenAI'" in note for note in made.findings["Chat model"].notes)
    assert made.nodes["Old mail"]["data"]["disabled"]


def test_what_calls_and_the_clock_start_is_translated_with_what_is_to_be_entered():
    hook, nightly = Converted(workflow("hook")), Converted(workflow("nightly"))
    assert hook.config("Webhook") == {
        "method": "POST",
        "response": "respond_node",
        "authentication": "none",
        "url_path": "contact-form",
    }
    assert hook.config("Has mail")["where"] == (
        "COALESCE(\"email\", '') <> '' OR STARTS_WITH(COALESCE(\"name\", ''), 'A')"
    ), "the body's fields are the columns"
    assert hook.became()["By header"] == "placeholder"
    assert hook.config("Thanks")["headers"] == {"X-From": "form"}
    assert nightly.config("Every night") == {"expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    fetch = nightly.config("Fetch users")
    assert (fetch["stream"], fetch["options"], fetch["connection"]) == ("v1/users", {"params": {"active": "1"}}, "")
    assert any(
        "https://api.example.org" in note and "'Acme production'" in note
        for note in nightly.findings["Fetch users"].notes
    )
    assert not [edge for edge in nightly.edges if edge[2] == "Fetch users"]
    assert [case["name"] for case in nightly.config("Route")["cases"]] == ["Admins", ""]
    assert ("Route", "default", "Wait a bit", "in") in nightly.edges
    assert nightly.nodes["On failure"]["data"]["nodeType"] == "control.on_error"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("={{ $json.a + 1 }}", "expression"),
        ("={{ $json.a.b }}", "inside of a field"),
        ("={{ $('X').item.json.a }}", "expression"),
        ("Hello {{ name }}", "template"),
        ("=Hello {{ $json.a }}", "expression"),
        ("={{ $json.a }} ", "expression"),
        ("={{ $now }}", "expression"),
    ],
)
def test_what_is_not_certain_is_a_placeholder_with_its_reason(value, reason):
    fields = {"assignments": {"assignments": [{"id": "1", "name": "x", "value": value, "type": "string"}]}}
    made = one("set", fields, 3.4)
    assert made.became()["It"] == "placeholder"
    assert reason in made.findings["It"].notes[0]
    assert made.config("It")["parameters"] == fields


@pytest.mark.parametrize(
    ("type_", "parameters", "version"),
    [
        ("limit", {"keep": "lastItems"}, 1),
        ("sort", {"type": "random"}, 1),
        ("switch", {"mode": "expression"}, 3),
        ("merge", {"mode": "combine", "combineBy": "combineByPosition"}, 3),
        ("merge", {"mode": "combine", "fieldsToMatchString": "id"}, 3),
        ("httpRequest", {"method": "POST", "url": "https://x.example.org"}, 4),
        ("wait", {"resume": "webhook"}, 1),
        ("scheduleTrigger", {"rule": {"interval": [{"field": "days", "daysInterval": 3}]}}, 1.2),
        ("executeWorkflow", {"workflowId": "={{ $json.id }}"}, 1),
        ("executeWorkflow", {"workflowId": "unknown"}, 1),
        ("set", {"assignments": {"assignments": [{"name": "a.b", "value": "x", "type": "string"}]}}, 3.4),
        ("set", {"mode": "raw", "jsonOutput": "{not json"}, 3.4),
        ("splitInBatches", {}, 3),
        ("if", {"conditions": []}, 2),
        ("if", {"conditions": {"combinator": "and", "conditions": ["x"]}}, 2),
        ("set", {"assignments": {"assignments": "x"}}, 3),
        (
            "filter",
            {
                "conditions": {
                    "conditions": [
                        {"leftValue": "={{ $json.d }}", "operator": {"type": "dateTime", "operation": "after"}}
                    ]
                }
            },
            2,
        ),
    ],
)
def test_another_way_of_working_is_a_placeholder(type_, parameters, version):
    made = one(type_, parameters, version)
    assert made.became()["It"] == "placeholder"
    assert made.config("It")["parameters"] == parameters


def test_settings_that_change_what_a_step_does_are_not_lost():
    made = one("limit", {"maxItems": 3}, onError="continueErrorOutput")
    assert made.became()["It"] == "placeholder"
    assert "when it fails" in made.findings["It"].notes[0]
    assert made.config("It")["more"]["onError"] == "continueErrorOutput"


def test_several_steps_before_one_are_put_together_and_said_so():
    made = one("limit", {"maxItems": 3})
    found = workflow("callee")
    found["nodes"].append(
        {"name": "Also", "type": "n8n-nodes-base.manualTrigger", "position": [0, 200], "parameters": {}}
    )
    found["connections"]["Also"] = {"main": [[{"node": "First two", "type": "main", "index": 0}]]}
    made = Converted(found)
    assert ("All of them", "out", "First two", "in") in made.edges
    assert made.became()["First two"] == "check"


def test_a_workflow_that_is_called_gives_back_what_its_last_step_gives():
    made = Converted(workflow("callee"))
    assert ("First two", "out", "Flow output", "in") in made.edges
    called = Converted(workflow("caller"), {"cE6callee": "there"})
    assert called.config("Call") == {"flow": "there", "wait": True}
    absent = Converted(workflow("caller"))
    assert "Callee" in absent.findings["Call"].notes[0]


def test_a_ring_without_a_loop_and_a_loop_without_an_inside_stay_drafts(registry):
    found = {
        "id": "r",
        "nodes": [{"name": n, "type": "n8n-nodes-base.noOp", "position": [0, 0]} for n in "ab"],
        "connections": {"a": {"main": [[{"node": "b", "index": 0}]]}, "b": {"main": [[{"node": "a", "index": 0}]]}},
    }
    ring = Converted(found)
    codes = {problem.code for problem in validate(graph_of(ring.definition), registry)}
    assert "cycle" in codes
    jump = workflow("loop")
    jump["connections"]["Start"]["main"][0].append({"node": "Pause", "type": "main", "index": 0})
    made = Converted(jump)
    assert made.became()["Loop Over Items"] == "placeholder"
    assert "'Start' leads into it" in made.findings["Loop Over Items"].notes[0]
    assert len(made.edges) >= 5, "what was connected stays connected"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nodes": None}, "no list of steps"),
        ({"nodes": ["x"]}, "step 1"),
        ({"nodes": [{"name": "a"}]}, "no type"),
        ({"nodes": [{"type": "t", "name": ""}]}, "no name"),
        ({"connections": []}, ""),
        ({"connections": [1]}, "connections"),
        ({"nodes": [{"type": "t", "name": "a"}] * 2}, "two steps"),
        ({"nodes": [{"type": "t", "name": "a", "parameters": [1]}]}, "parameters"),
        ({"nodes": [{"type": "t", "name": str(n)} for n in range(5_001)]}, "5,001 steps"),
        ({"nodes": [{"type": "n8n-nodes-base.splitInBatches", "name": str(n)} for n in range(101)]}, "101 loops"),
        (
            {"connections": {"Merge": {"main": [[{"node": "Sorted", "index": n} for n in range(20_001)]]}}},
            "20,001 connections",
        ),
    ],
)
def test_hostile_workflows_are_one_sentence(change, said):
    found = {**workflow("orders"), **change}
    if not said:
        convert(found, {})
        return
    with pytest.raises(ConfigError, match=said) as caught:
        convert(found, {})
    assert "\n" not in caught.value.message


def test_what_is_no_workflow_has_a_problem_and_an_id():
    deep: Any = {}
    for _ in range(3_000):
        deep = {"x": deep}
    base = {"id": "a", "nodes": []}
    for found in (
        None,
        [],
        "x",
        {"id": None},
        {"id": ""},
        {"id": "x" * 300},
        {"id": True},
        {**base, "nodes": [deep]},
        {**base, "name": "\x00"},
        {**base, "name": "\ud800"},
        {**base, "settings": {"x": float("nan")}},
        {**base, "settings": {"x": "y" * 9_000_000}},
    ):
        flow = told(found, "1-1")
        assert flow.problem
        assert flow.id
    wild = {
        **base,
        "nodes": [
            {
                "type": "n8n-nodes-base.stickyNote",
                "name": "n",
                "position": ["a", None],
                "parameters": {"content": 5, "width": "x", "color": "red"},
                "credentials": [1],
                "typeVersion": "2",
            }
        ],
        "connections": {"n": {"main": [None, [None, {"node": 5}, {"node": "gone", "index": -1}]]}, "gone": "x"},
    }
    assert convert(wild, {}).definition["edges"] == []


def test_a_large_workflow_is_quick_and_deep_nesting_no_danger():
    nodes = [
        {"name": f"n{i}", "type": "n8n-nodes-base.noOp", "position": [i, 0], "parameters": {}} for i in range(3_000)
    ]
    wires = {f"n{i}": {"main": [[{"node": f"n{i + 1}", "type": "main", "index": 0}]]} for i in range(2_999)}
    made = convert({"id": "big", "nodes": nodes, "connections": wires}, {})
    assert len(made.definition["edges"]) == 2_999
