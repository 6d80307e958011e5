"""Which step of n8n is translated by what; one that is not here becomes a placeholder."""

from __future__ import annotations

from collections.abc import Mapping

from headrace_plugin_n8n import calls, control, rows, starts
from headrace_plugin_n8n.step import Step, Translation
from headrace_plugin_n8n.values import Unmapped

BASE = "n8n-nodes-base."
NOTE = f"{BASE}stickyNote"
_KNOWN: Mapping[str, Translation] = {
    "manualTrigger": starts.manual, "start": starts.manual, "scheduleTrigger": starts.schedule, "cron": starts.cron,
    "interval": starts.interval, "webhook": starts.webhook, "executeWorkflowTrigger": starts.called,
    "errorTrigger": starts.failed, "set": rows.edit, "filter": rows.keep, "if": rows.branch, "switch": rows.route,
    "limit": rows.first, "sort": rows.order, "removeDuplicates": rows.distinct, "summarize": rows.summarize,
    "noOp": control.through, "merge": control.merge, "splitInBatches": control.loop, "wait": control.wait,
    "executeWorkflow": control.call, "respondToWebhook": control.respond, "stopAndError": control.stop,
    "httpRequest": calls.request,
}  # fmt: skip
KNOWN: Mapping[str, Translation] = {f"{BASE}{name}": found for name, found in _KNOWN.items()}
_BECAUSE = {
    "code": "its code is written for n8n; write it anew in a Python step",
    "function": "its code is written for n8n; write it anew in a Python step",
    "functionItem": "its code is written for n8n; write it anew in a Python step",
    "aggregate": "it puts the values of many rows into lists; choose Aggregate, or a SQL step",
    "splitOut": "it makes a row of each item of a list inside a field; choose Explode lists, and the column",
}
ROOTS = frozenset(name for name in KNOWN if KNOWN[name].__module__.endswith(".starts"))


def translation(step: Step) -> Translation:
    """What translates a step.

    Raises:
        Unmapped: nothing does.
    """
    found = KNOWN.get(step.node.type)
    if found is not None:
        return found
    if step.node.type.startswith(BASE):
        name = step.node.type.removeprefix(BASE)
        raise Unmapped(_BECAUSE.get(name, f"there is no step here that does the same as '{name[:80]}'"))
    raise Unmapped(f"it is of another package of n8n ('{step.node.type[:80]}')")
