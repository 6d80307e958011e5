"""What starts flows by itself: one trigger type a declaration; the work is in the modules beside it."""
# ruff: noqa: E501 - texts for people

from __future__ import annotations

from typing import Any

from headrace.sdk import Column, DataType, TriggerType, hookimpl, lazy

from headrace_node_triggers import asset_configs as a
from headrace_node_triggers import broker_configs as b
from headrace_node_triggers import configs as c
from headrace_node_triggers import form_configs as f
from headrace_node_triggers import page_configs as p

_DUE = (
    Column("scheduled_at", DataType.TEXT),
    Column("interval_start", DataType.TEXT),
    Column("interval_end", DataType.TEXT),
)

_CHAT = (
    Column("message", DataType.TEXT),
    Column("conversation_id", DataType.TEXT),
    Column("history", DataType.JSON),
)

_FILE = (
    Column("path", DataType.TEXT),
    Column("folder", DataType.TEXT),
    Column("name", DataType.TEXT),
    Column("size_bytes", DataType.INTEGER, bits=64),
    Column("modified_at", DataType.TEXT),
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
            id="asset", title="Assets written", mode="asset", config=a.AssetConfig, icon="lucide:database-zap",
            summary="Starts when flows have written tables or files.", tags=("data", "after", "lineage"),
            docs="An asset is what a write step writes. Writes since the last start count, each once; a flow cannot wait for what it writes itself, "
            "and a ring of flows ends after 20 links.",
        ),
        TriggerType(
            id="form", title="Form", mode="form", config=f.FormConfig, secrets=p.PageSecrets, icon="lucide:clipboard-pen",
            summary="Somebody fills in a page that headrace shows.", tags=("page", "survey", "upload", "request"),
            docs="The page works without scripts and in the dark. Each page counts once, however often it is sent. A file goes to the object store; "
            "its column has name, content_type, bytes, sha256 and key.",
        ),
        TriggerType(
            id="chat", title="Chat", mode="chat", config=p.ChatConfig, secrets=p.PageSecrets, icon="lucide:message-circle",
            columns=_CHAT, summary="Each message of a conversation starts the flow, which answers it.", tags=("page", "assistant", "bot", "message"),
            docs="The answer is what a respond step says, else the rows of the last step: the column `answer`, or the only one. `history` is a list of "
            "{role, content}, oldest first. Programs send {message, conversation_id} as JSON to the address of the page.",
        ),
        TriggerType(
            id="flow_completed", title="Another flow ended", mode="flow", config=c.FlowCompletedConfig, icon="lucide:git-merge",
            summary="Starts when executions of another flow end.", tags=("chain", "after"),
            docs="Executions of single steps do not count. A chain of flows ends after 20 links.",
        ),
        TriggerType(
            id="poll", title="New rows", mode="source", kind="poll", config=c.PollConfig, factory=lazy("headrace_node_triggers.poll:Poll"),
            icon="lucide:refresh-cw", summary="Asks a stream of a connection for new rows and starts with them.", tags=("incremental", "cursor", "watch"),
            docs="New rows are those whose cursor column is greater than the last one seen; choose a column that only grows, such as an identity. "
            "The place is stored together with the event, so no batch is lost or given twice.",
        ),
        TriggerType(
            id="file", title="File arrival", mode="source", kind="file", config=c.FileConfig, factory=lazy("headrace_node_triggers.files:Files"),
            icon="lucide:file-box", columns=_FILE, tags=("folder", "bucket", "watch", "upload"),
            summary="Starts with files that arrive or change in a folder or a bucket.",
            docs="A file counts by name, size and time, so one that is moved in with an old time is seen too. It is taken once it has stayed as it is "
            "for a while; each starts exactly one execution. A file that is gone is forgotten: when it comes again, it counts again.",
        ),
        *_messages(),
    ]  # fmt: skip


def _messages() -> list[TriggerType]:
    common: dict[str, Any] = {"mode": "source", "kind": "message", "secrets": b.BrokerSecrets}
    return [
        TriggerType(
            id="redis_stream", title="Redis stream", config=b.RedisStreamConfig, factory=lazy("headrace_node_triggers.redis_stream:RedisStream"),
            icon="lucide:waves", summary="Starts with each entry of a Redis or Valkey stream.", tags=("valkey", "queue", "event"),
            docs="Entries are acknowledged in a consumer group of the trigger's own once they are stored; each starts one execution.", **common,
        ),
        TriggerType(
            id="rabbitmq", title="RabbitMQ", config=b.RabbitmqConfig, factory=lazy("headrace_node_triggers.rabbitmq:Rabbitmq"),
            icon="lucide:rabbit", summary="Starts with each message of a queue.", tags=("amqp", "queue", "message"),
            docs="Messages are acknowledged once they are stored. Give them a `message_id`: without one, a message that RabbitMQ repeats counts again.", **common,
        ),
        TriggerType(
            id="mqtt", title="MQTT", config=b.MqttConfig, factory=lazy("headrace_node_triggers.mqtt:Mqtt"),
            icon="lucide:radio-tower", summary="Starts with each message of a topic.", tags=("iot", "sensor", "message"),
            docs="With QoS 1 and a session that the broker keeps. Messages are acknowledged once they are stored; one that the broker then repeats starts nothing again.", **common,
        ),
        TriggerType(
            id="nats", title="NATS", config=b.NatsConfig, factory=lazy("headrace_node_triggers.nats_stream:Nats"),
            icon="lucide:send", summary="Starts with each message of a JetStream subject.", tags=("jetstream", "queue", "message"),
            docs="A durable consumer of the trigger's own; messages are acknowledged once they are stored, and each starts one execution.", **common,
        ),
    ]  # fmt: skip
