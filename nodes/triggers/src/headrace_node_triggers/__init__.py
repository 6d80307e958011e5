"""What starts flows by itself: one trigger type a declaration; the work is in the modules beside it."""
# ruff: noqa: E501 - texts for people

from __future__ import annotations

from headrace.sdk import Column, DataType, TriggerType, hookimpl, lazy

from headrace_node_triggers import configs as c

_DUE = (
    Column("scheduled_at", DataType.TEXT),
    Column("interval_start", DataType.TEXT),
    Column("interval_end", DataType.TEXT),
)


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the kinds of triggers."""
    return [
        TriggerType(
            id="manual", title="Started by hand", mode="manual", config=c.ManualConfig, icon="lucide:hand",
            summary="Somebody, or a call of the API, starts the flow.", tags=("button", "start"),
            docs="The step gives the input of the execution: one row, or the rows of `rows` in it.",
        ),
        TriggerType(
            id="cron", title="Schedule (cron)", mode="time", config=c.CronConfig, factory=lazy("headrace_node_triggers.cron:Cron"),
            icon="lucide:calendar-clock", columns=_DUE, tags=("time", "calendar", "every"),
            summary="At the times of a cron expression, in a time zone, on working days if you like.",
            docs="When the clocks go forward, a time that does not exist is due right after the gap; when they go back, a fixed time is due once. "
            "Public holidays come from the calendar of the country that you choose.",
        ),
        TriggerType(
            id="interval", title="Schedule (interval)", mode="time", config=c.IntervalConfig,
            factory=lazy("headrace_node_triggers.interval:Interval"), icon="lucide:timer", columns=_DUE, tags=("time", "every"),
            summary="Every so many seconds, minutes, hours, days, weeks or months.",
            docs="Counted from `Not before`, else from a fixed instant, so that a restart shifts nothing. Days, weeks and months keep the time of day "
            "in the time zone when the clocks change.",
        ),
        TriggerType(
            id="rrule", title="Schedule (rule)", mode="time", config=c.RuleConfig, factory=lazy("headrace_node_triggers.rule:Rule"),
            icon="lucide:calendar-range", columns=_DUE, tags=("time", "rrule", "icalendar"),
            summary="By a recurrence rule of iCalendar.", docs="For example FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17;BYMINUTE=0: the last Friday of each month.",
        ),
        TriggerType(
            id="webhook", title="Webhook", mode="webhook", config=c.WebhookConfig, secrets=c.WebhookSecrets, icon="lucide:webhook",
            summary="A call from outside starts the flow.", tags=("http", "call", "api"),
            docs="A body that is an object gives one row, a list of objects gives its rows; anything else gives the request itself. "
            "The call is answered 202 once the execution is stored. A delivery id that was seen within 24 hours starts nothing again.",
        ),
        TriggerType(
            id="flow_completed", title="Another flow ended", mode="flow", config=c.FlowCompletedConfig, icon="lucide:git-merge",
            summary="Starts when executions of another flow end.", tags=("chain", "after"),
            docs="Executions of single steps do not count. A chain of flows ends after 20 links.",
        ),
        TriggerType(
            id="poll", title="New rows", mode="source", config=c.PollConfig, factory=lazy("headrace_node_triggers.poll:Poll"),
            icon="lucide:refresh-cw", summary="Asks a stream of a connection for new rows and starts with them.", tags=("incremental", "cursor", "watch"),
            docs="New rows are those whose cursor column is greater than the last one seen; choose a column that only grows, such as an identity. "
            "The place is stored together with the event, so no batch is lost or given twice.",
        ),
    ]  # fmt: skip
