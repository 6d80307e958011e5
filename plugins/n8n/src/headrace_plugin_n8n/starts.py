"""What starts a workflow."""

from __future__ import annotations

import re
from typing import Any

from headrace_plugin_n8n.step import Made, Step
from headrace_plugin_n8n.values import Unmapped, constant, held, listed, text, whole

OFF = "it is switched off here, so that it does not start twice; switch it on when n8n's is off"
_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", re.ASCII)
_WEBHOOK = {"onReceived": "immediate", "lastNode": "last_node", "responseNode": "respond_node"}
_SIGN = {"none": "none", "basicAuth": "basic", "headerAuth": "header", "jwtAuth": "jwt"}
_COLUMNS = {"string": "text", "number": "float", "boolean": "boolean"}


def manual(_: Step) -> Made:
    """By hand."""
    return Made(type="triggers.manual", inputs=(), shape="rows")


def called(step: Step) -> Made:
    """By another workflow."""
    values = held(step.node.parameters, "workflowInputs", "values")
    fields = listed(values, "the inputs") if values else []
    columns = [
        {"name": text(one.get("name"), "an input"), "type": _COLUMNS[str(one.get("type") or "string")]}
        for one in fields
        if str(one.get("type") or "string") in _COLUMNS
    ]
    notes = (
        ("inputs of other types than text, number and boolean are not declared",) if len(columns) < len(fields) else ()
    )
    return Made(type="control.input", config={"columns": columns}, inputs=(), notes=notes, shape="rows")


def failed(step: Step) -> Made:
    """By a failure: of the same workflow, else of those that name it."""
    others = [one for one in step.workflow.nodes if one.type in _STARTS and one.type != step.node.type]
    if others:
        return Made(type="control.on_error", inputs=(), shape="event")
    note = "choose the flow whose failure starts it; in n8n those workflows name this one in their settings"
    config = {"flow": "", "statuses": ["failed"]}
    return Made(type="triggers.flow_completed", config=config, inputs=(), notes=(note,), shape="event")


def webhook(step: Step) -> Made:
    """By a call."""
    method = constant(step.get("httpMethod", "GET"), "the method")
    if method not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        raise Unmapped(f"it takes calls with {method}; a webhook here takes one of GET, POST, PUT, PATCH and DELETE")
    answer, sign = step.get("responseMode", "onReceived"), step.get("authentication", "none")
    if answer not in _WEBHOOK or sign not in _SIGN:
        raise Unmapped(f"it answers by '{answer}' with authentication '{sign}', for which there is nothing here")
    if step.options().get("rawBody") or step.options().get("binaryData"):
        raise Unmapped("it takes the raw body of a call")
    config: dict[str, Any] = {"method": method, "response": _WEBHOOK[answer], "authentication": _SIGN[sign]}
    path = step.get("path", "")
    if isinstance(path, str) and _PATH.fullmatch(path) and len(path) <= 255:
        config["url_path"] = path
    notes = ["its address is another one here; tell those who call it", OFF]
    if sign != "none":
        notes.append(f"enter what callers prove themselves with ({_names(step) or sign})")
    if answer == "lastNode":
        notes.append(
            "it answers with a list of the rows of the last step; n8n gives the first one unless told otherwise"
        )
    more = sorted(set(step.options()) - {"rawBody", "binaryData", "responseData"})
    if more:
        notes.append(f"n8n has more options that are not taken over: {', '.join(more)}")
    return Made(type="triggers.webhook", config=config, inputs=(), notes=tuple(notes), shape="webhook")


def schedule(step: Step) -> Made:
    """By the clock."""
    rules = listed(held(step.node.parameters, "rule", "interval") or [{}], "the schedule")
    if len(rules) != 1:
        raise Unmapped(f"it has {len(rules)} rules; a schedule here has one, so make a step for each")
    return _cron(step, _expression(rules[0]))


def cron(step: Step) -> Made:
    """By the clock, as older workflows say it."""
    items = listed(held(step.node.parameters, "triggerTimes", "item") or [{}], "the schedule")
    if len(items) != 1:
        raise Unmapped(f"it has {len(items)} times; a schedule here has one, so make a step for each")
    rule = items[0]
    mode = rule.get("mode", "everyDay")
    minute, hour = (whole(rule.get(name, fallback), name, 0, most) for name, fallback, most in
                    (("minute", 0, 59), ("hour", 14, 23)))  # fmt: skip
    if mode == "custom":
        return _cron(step, text(rule.get("cronExpression"), "the cron expression").strip())
    day, week = whole(rule.get("dayOfMonth", 1), "the day", 1, 31), whole(rule.get("weekday", 1), "the weekday", 0, 6)
    made = {
        "everyMinute": "* * * * *", "everyHour": f"{minute} * * * *", "everyDay": f"{minute} {hour} * * *",
        "everyWeek": f"{minute} {hour} * * {week}", "everyMonth": f"{minute} {hour} {day} * *",
    }.get(mode)  # fmt: skip
    if made is None:
        raise Unmapped(f"it starts by '{mode}', for which there is no cron expression")
    return _cron(step, made)


def interval(step: Step) -> Made:
    """Every so often, as older workflows say it."""
    unit = step.get("unit", "seconds")
    if unit not in {"seconds", "minutes", "hours"}:
        raise Unmapped(f"it counts in '{unit}'")
    every = whole(step.get("interval", 1), "the interval", 1, 1_000_000)
    return Made(type="triggers.interval", config={"every": every, "unit": unit}, inputs=(), notes=(OFF,), shape="event")


def _expression(rule: dict[str, Any]) -> str:
    kind = rule.get("field", "days")
    if kind == "cronExpression":
        return text(rule.get("expression"), "the cron expression").strip()

    def number(name: str, fallback: int, least: int, most: int) -> int:
        return whole(rule.get(name, fallback), name, least, most)

    if kind == "seconds":
        return f"*/{number('secondsInterval', 30, 1, 59)} * * * * *"
    if kind == "minutes":
        return f"*/{number('minutesInterval', 5, 1, 59)} * * * *"
    minute = number("triggerAtMinute", 0, 0, 59)
    every = number(f"{kind}Interval", 1, 1, 31) if kind in {"hours", "days", "weeks", "months"} else 0
    if every != 1:
        raise Unmapped(
            f"it starts every {every} {kind}, which n8n counts from its last run; choose Schedule (interval)"
        )
    if kind == "hours":
        return f"{minute} * * * *"
    hour = number("triggerAtHour", 0, 0, 23)
    if kind == "days":
        return f"{minute} {hour} * * *"
    if kind == "weeks":
        days = rule.get("triggerAtDay", [0])
        wanted = sorted({whole(day, "a weekday", 0, 6) for day in days}) if isinstance(days, list) else []
        return f"{minute} {hour} * * {','.join(map(str, wanted)) or '*'}"
    return f"{minute} {hour} {number('triggerAtDayOfMonth', 1, 1, 31)} * *"


def _cron(step: Step, expression: str) -> Made:
    zone, notes = step.workflow.settings.get("timezone"), [OFF]
    config = {"expression": expression}
    if isinstance(zone, str) and zone and zone != "DEFAULT":
        config["timezone"] = zone
    else:
        notes.append("the time zone is UTC here; in n8n it is that of the server, so choose it")
    return Made(type="triggers.cron", config=config, inputs=(), notes=tuple(notes), shape="event")


def _names(step: Step) -> str:
    return ", ".join(f"'{name}'" for name in step.node.credentials.values())


_STARTS = {
    f"n8n-nodes-base.{name}"
    for name in ("manualTrigger", "start", "scheduleTrigger", "cron", "interval", "webhook", "executeWorkflowTrigger")
}
