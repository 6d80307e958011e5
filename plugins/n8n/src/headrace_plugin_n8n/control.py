"""Steps that lead: merge, loop, wait, call, answer, stop."""

from __future__ import annotations

import re
from typing import Any

from headrace_plugin_n8n.step import Made, Step
from headrace_plugin_n8n.values import Unmapped, constant, held, listed, text, whole
from headrace_plugin_n8n.workflow import called_by

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def through(_: Step) -> Made:
    """No operation: rows pass."""
    return Made(type="control.merge", many=True)


def merge(step: Step) -> Made:
    """Merge."""
    mode = step.get("mode", "append")
    if mode == "append":
        return Made(type="control.merge", inputs=("in",) * 10, many=True)
    by = step.get("combineBy", step.get("combinationMode", "combineByFields"))
    if mode != "combine" or by not in {"combineByFields", "mergeByFields"}:
        raise Unmapped(f"it puts rows together by '{mode}: {by}'")
    how, gives = step.get("joinMode", "keepMatches"), step.get("outputDataFrom", "both")
    if (how, gives) not in {("keepMatches", "input1"), ("keepNonMatches", "input1")}:
        raise Unmapped("it mixes the fields of both sides, the second over the first; choose Join, and the columns")
    config = {"how": "semi" if how == "keepMatches" else "anti", "keys": _keys(step)}
    return Made(type="transform.join", config=config, inputs=("left", "right"))


def _keys(step: Step) -> list[dict[str, str]]:
    plain = step.get("fieldsToMatchString", "")
    if plain and not step.get("advanced"):
        names = [one.strip() for one in text(plain, "the keys").split(",") if one.strip()]
        pairs = [(name, name) for name in names]
    else:
        found = listed(held(step.node.parameters, "mergeByFields", "values") or [], "the keys")
        pairs = [(text(one.get("field1"), "a key"), text(one.get("field2"), "a key")) for one in found]
    if step.shape != "rows" or not pairs or any("." in name for pair in pairs for name in pair):
        raise Unmapped("its keys are no plain columns of both sides")
    return [{"left": left, "right": right} for left, right in pairs]


def loop(step: Step) -> Made:
    """Loop Over Items; what is inside of it is found by `loops`."""
    if step.options().get("reset"):
        raise Unmapped("it begins anew while it goes on")
    older = step.node.version < 3
    size = whole(step.get("batchSize", 10 if step.node.version < 2 else 1), "the size of a batch", 1, 10_000_000)
    config: dict[str, Any] = {"over": "rows", "parallel": 1}
    if size > 1:
        config = {"over": "batches", "batch_rows": size, "parallel": 1}
    outputs = ("item", "out") if older else ("out", "item")
    notes = ("what a round gives comes out at the end; in this version of n8n nothing does",) if older else ()
    return Made(type="control.for_each", config=config, outputs=outputs, notes=notes)


def wait(step: Step) -> Made:
    """Wait."""
    kind = step.get("resume", "timeInterval")
    if kind == "timeInterval":
        late = step.node.version >= 1.1
        unit = step.get("unit", "seconds" if late else "hours")
        if unit not in _SECONDS:
            raise Unmapped(f"it waits in '{unit}'")
        amount = constant(step.get("amount", 5 if late else 1), "how long it waits")
        if (
            not isinstance(amount, int | float)
            or isinstance(amount, bool)
            or not 0 <= amount * _SECONDS[unit] <= 31_536_000
        ):
            raise Unmapped("it waits for more than a year, or for no number")
        return Made(type="control.wait", config={"seconds": amount * _SECONDS[unit]})
    moment = step.get("dateTime", "")
    if kind == "specificTime" and isinstance(moment, str) and _ZONED.fullmatch(moment):
        return Made(type="control.wait", config={"until": moment})
    raise Unmapped(f"it waits for '{kind}', or for a moment without a time zone")


def call(step: Step) -> Made:
    """Execute Workflow."""
    if step.get("source", "database") != "database":
        raise Unmapped("it executes a workflow that is written out, or lies in a file or at an address")
    if step.get("mode", "once") != "once":
        raise Unmapped("it calls the workflow for each row; put a For each step around Call a flow")
    inputs = held(step.node.parameters, "workflowInputs", "value")
    if isinstance(inputs, dict) and inputs:
        raise Unmapped("it makes the inputs of the workflow by expressions; put a Select or Derive step before")
    wanted = called_by({"parameters": step.node.parameters})
    if not wanted:
        raise Unmapped("which workflow it calls is worked out by an expression")
    flow = step.known.get(wanted)
    if flow is None:
        name = held(step.node.parameters, "workflowId", "cachedResultName") or wanted
        raise Unmapped(
            f"it calls the workflow '{name}' ({wanted}), which is not here yet; bring it here, then this one again"
        )
    config = {"flow": flow, "wait": step.options().get("waitForSubWorkflow", True) is not False}
    return Made(type="control.subflow", config=config, shape="rows")


def respond(step: Step) -> Made:
    """Respond to Webhook."""
    kind, options = step.get("respondWith", "firstIncomingItem"), step.options()
    config: dict[str, Any] = {"status": whole(options.get("responseCode", 200), "the status", 200, 599)}
    headers = listed(held(options, "responseHeaders", "entries") or [], "the headers")
    if headers:
        config["headers"] = {text(one.get("name"), "a header"): text(one.get("value"), "a header") for one in headers}
    if kind == "allIncomingItems":
        return Made(type="control.respond", config={**config, "send": "rows"})
    if kind in {"text", "json", "noData"}:
        body = "" if kind == "noData" else text(step.get("responseBody", ""), "the answer")
        config |= {"send": "text", "body": body}
        if kind == "json":
            config["content_type"] = "application/json"
        return Made(type="control.respond", config=config)
    if kind == "firstIncomingItem":
        note = "it answers with a list of the rows; n8n gives the first one by itself"
        return Made(type="control.respond", config={**config, "send": "rows"}, notes=(note,))
    raise Unmapped(f"it answers with '{kind}'")


def stop(step: Step) -> Made:
    """Stop and Error."""
    if step.get("errorType", "errorMessage") != "errorMessage":
        raise Unmapped("it ends with an object")
    message = text(step.get("errorMessage", ""), "the message")
    if not message:
        raise Unmapped("it has no message")
    return Made(type="control.stop", config={"message": message})
