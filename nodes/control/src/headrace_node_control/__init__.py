"""The control nodes: branches, loops, sub-flows, waits, and what happens after a flow."""

from __future__ import annotations

from typing import Any

from headrace.sdk import COMPENSATE_PORT, ERROR_PORT, NodeManifest, Port, hookimpl, lazy

from headrace_node_control import configs as c

_IN, _MAYBE, _OUT = Port("in", "Input"), Port("in", "Input", required=False), Port("out", "Output")
_MANY = Port("in", "Inputs", many=True)
_LOOP = (_MAYBE, Port("result", "Result of a round", many=True, required=False))


def _node(id_: str, title: str, summary: str, config: Any, factory: str, icon: str, **more: Any) -> NodeManifest:
    given = {"inputs": (_IN,), "outputs": (_OUT,), **more}
    return NodeManifest(
        id=id_, title=title, summary=summary, config=config, factory=lazy(f"headrace_node_control.{factory}"),
        icon=f"lucide:{icon}", kind="logic", control=True, **given,
    )  # fmt: skip


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    """Offer the family."""
    return [*_branches(), *_loops(), *_waits(), *_ends()]


def _branches() -> list[NodeManifest]:
    cases = tuple(Port(f"case_{n}", f"Case {n}", required=False) for n in range(1, 7))
    return [
        _node("if", "If", "Take one of two ways.", c.IfConfig, "branches:If", "split",
              outputs=(Port("true", "True"), Port("false", "False")), tags=("branch", "condition", "else"),
              docs="Decides for each row, or for the table as a whole. Steps on a way that is not taken are skipped."),
        _node("switch", "Switch", "Take one of several ways.", c.SwitchConfig, "branches:Switch", "git-fork",
              outputs=(*cases, Port("default", "Otherwise")), tags=("router", "case"),
              docs="The first case that is true counts. Rows for which none is true leave by `default`."),
        _node("merge", "Merge", "Bring branches together again.", c.MergeConfig, "branches:Merge", "merge", role="join",
              inputs=(_MANY,), tags=("join", "wait for all"),
              docs="Waits for all branches that are taken, the first, or a number of them. Columns meet by name."),
    ]  # fmt: skip


def _loops() -> list[NodeManifest]:
    item = Port("item", "Item", required=False)
    return [
        _node("for_each", "For each", "Execute the steps inside for each row, batch or value.", c.ForEachConfig,
              "loops:ForEach", "repeat", role="loop", inputs=_LOOP, outputs=(item, _OUT, ERROR_PORT),
              tags=("loop", "map"),
              docs="Each item is an execution of its own. What the steps inside give to `Result of a round` comes out, "
              "in the order of the items; items that failed leave by the error port."),
        _node("while", "While", "Repeat the steps inside as long as a condition is true.", c.WhileConfig,
              "loops:While", "refresh-cw", role="loop", inputs=_LOOP, outputs=(item, _OUT), tags=("loop", "repeat"),
              docs="The rows go round: each round gets what the one before gave. The limit of rounds is hard."),
        _node("subflow", "Call a flow", "Execute another flow, and go on with what it gives.", c.SubflowConfig,
              "loops:Subflow", "workflow", tags=("sub-flow", "execute workflow"),
              inputs=(_MAYBE, Port("after", "After", kind="control", many=True, required=False)),
              outputs=(_OUT, Port("done", "Done", required=False), COMPENSATE_PORT),
              docs="Rows enter at the called flow's step 'Flow input' and come back from its 'Flow output'. `Done` is "
              "a row about how it ended; led into `After` of another call it only says the order. "
              "What `To undo it` leads to stands for all that the called flow would undo by itself."),
        _node("input", "Flow input", "Where rows enter when another flow calls this one.", c.InputConfig,
              "loops:FlowInput", "log-in", role="input", inputs=(),
              docs="Executed by itself, the flow gets no rows here, but the columns that you declare."),
        _node("output", "Flow output", "What a flow that calls this one gets.", c.OutputConfig, "loops:FlowOutput",
              "log-out", role="output", docs="Rows pass unchanged."),
    ]  # fmt: skip


def _waits() -> list[NodeManifest]:
    decided = tuple(
        Port(name, title, required=False)
        for name, title in (
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("timeout", "Too late"),
            ("answer", "Answer"),
        )
    )
    return [
        _node("wait", "Wait", "Go on later.", c.WaitConfig, "waits:WaitStep", "timer", inputs=(_MAYBE,),
              tags=("delay", "sleep", "timer"), docs="Holds no worker while it waits, however long."),
        _node("wait_webhook", "Wait for a call", "Go on when another system calls back.", c.WebhookConfig,
              "waits:WaitForCall", "webhook", inputs=(_MAYBE,), tags=("callback", "resume"),
              outputs=(_OUT, Port("timeout", "Too late", required=False)),
              docs="The address with its secret is made for this execution and works once."),
        _node("approval", "Approval", "Ask people to decide, with a form.", c.ApprovalConfig, "waits:Approval",
              "user-check", inputs=(_MAYBE,), outputs=decided, tags=("human", "review", "form"),
              docs="The rows pass by the way that was decided; the answers are one row of `Answer`."),
    ]  # fmt: skip


def _ends() -> list[NodeManifest]:
    return [
        _node("stop", "Stop with an error", "Fail the execution with a message of yours.", c.StopConfig, "ends:Stop",
              "octagon-x", inputs=(_MAYBE,), outputs=(_OUT,), tags=("throw", "raise"),
              docs="With a condition, only when a row meets it; otherwise the rows pass."),
        _node("respond", "Respond", "Answer the request that started the execution.", c.RespondConfig, "ends:Respond",
              "reply", role="answer", inputs=(_MAYBE,), tags=("webhook", "http"),
              docs="The first answer counts. Rows pass unchanged."),
        _node("on_error", "On error", "Begins what is executed when the flow fails.", c.HandlerConfig, "ends:Handler",
              "siren", role="on_error", inputs=(), tags=("catch", "error handler"),
              docs="Gives one row: execution_id, flow_id, node_id, code, message, failed_at."),
        _node("finally", "Finally", "Begins what is executed after the flow, however it ended.", c.HandlerConfig,
              "ends:Handler", "flag", role="finally", inputs=(), tags=("cleanup",),
              docs="Gives one row: execution_id, flow_id, status, and the error if there is one."),
    ]  # fmt: skip
