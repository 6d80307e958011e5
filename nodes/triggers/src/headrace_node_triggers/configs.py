"""Configs of the trigger types: what the form asks, and what is stored."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from headrace.sdk import Config, Field, Secret, TimeConfig, TriggerConfig

Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "months"]


class ManualConfig(TriggerConfig, kw_only=True):
    """Nothing but the sample."""


class CronConfig(TimeConfig, kw_only=True):
    """When, in the words of cron."""

    expression: Annotated[
        str,
        Field("Cron expression", "Minute, hour, day, month, weekday; six fields begin with seconds; L, 5#2 too.",
              widget="cron", placeholder="0 7 * * 1-5", examples=["0 7 * * 1-5", "*/10 * * * *"], order=0),
    ]  # fmt: skip
    country: Annotated[
        str, Field("Holiday calendar", "Two letters of a country, e.g. DE; empty knows no holidays.",
                   pattern="^([A-Z]{2})?$", expected="two capital letters such as DE, or nothing", order=10)
    ] = ""  # fmt: skip
    subdivision: Annotated[
        str, Field("State or province", "Code of a part of the country, e.g. BY.", order=11, advanced=True)
    ] = ""
    days: Annotated[
        Literal["all", "working_days", "holidays"],
        Field("On", "Working days are Monday to Friday without the holidays of the calendar.", order=12,
              enum_labels={"all": "Every day", "working_days": "Working days", "holidays": "Holidays"}),
    ] = "all"  # fmt: skip
    shift: Annotated[
        Literal["skip", "next", "previous"],
        Field("On other days", "Leave out, or move to the next or previous day that counts, at the same time.",
              order=13, advanced=True,
              enum_labels={"skip": "Leave out", "next": "Next such day", "previous": "Previous such day"}),
    ] = "skip"  # fmt: skip


class IntervalConfig(TimeConfig, kw_only=True):
    """Every so often."""

    every: Annotated[int, Field("Every", "How many units lie between two runs.", ge=1, le=1_000_000, order=0)]
    unit: Annotated[Unit, Field("Unit", "Of the interval.", order=1)] = "minutes"


class RuleConfig(TimeConfig, kw_only=True):
    """When, in the words of iCalendar."""

    rule: Annotated[
        str, Field("Rule", "An RRULE; `Not before` is its start.", placeholder="FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=7",
                   examples=["FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=7;BYMINUTE=0"], order=0, max_length=1_000)
    ]  # fmt: skip


class WebhookConfig(TriggerConfig, kw_only=True):
    """What is let in, and how it is answered."""

    method: Annotated[
        Literal["POST", "PUT", "PATCH", "DELETE", "GET"], Field("Method", "Only this one is taken.", order=0)
    ] = "POST"
    event_type: Annotated[
        str, Field("Kind of event", "Your own word for what is called about, e.g. order.created; the flow has it as "
                   "the variable `event_type`.", max_length=100, placeholder="order.created", order=0)
    ] = ""  # fmt: skip
    headers: Annotated[
        dict[str, str],
        Field("Headers", "What a call has to carry: a name and its value; without a value it has to be there.",
              widget="key-value", advanced=True, order=5),
    ] = {}  # fmt: skip
    url_path: Annotated[
        str, Field("Own path", "Also reachable at /hooks/<organization>/<path>; 255 characters at most.",
                   max_length=255, pattern="^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$",
                   expected="words of letters, digits, - and _, with / between them",
                   order=1, advanced=True)
    ] = ""  # fmt: skip
    authentication: Annotated[
        Literal["hmac", "basic", "jwt", "header", "none"],
        Field("Authentication", "How callers prove who they are; hmac is Standard Webhooks.", order=2),
    ] = "hmac"
    header: Annotated[
        str, Field("Header", "Name of the header that carries the secret.", pattern="^[A-Za-z0-9-]{1,100}$",
                   expected="letters, digits and - only, such as X-Api-Key",
                   visible_if={"authentication": "header"}, order=3)
    ] = "X-Api-Key"  # fmt: skip
    audience: Annotated[
        str, Field("Audience", "`aud` that a token must carry; empty asks for none.",
                   visible_if={"authentication": "jwt"}, order=3)
    ] = ""  # fmt: skip
    allowed_ips: Annotated[
        list[str], Field("Allowed addresses", "Networks or addresses; empty lets in all.", widget="tags", order=4)
    ] = []
    delivery_header: Annotated[
        str, Field("Delivery id", "Header with an id of the delivery, beside webhook-id and Idempotency-Key.",
                   pattern="^[A-Za-z0-9-]{0,100}$",
                   expected="letters, digits and - only, such as X-Event-Id", advanced=True, order=5)
    ] = ""  # fmt: skip
    response: Annotated[
        Literal["immediate", "respond_node", "last_node"],
        Field("Answer", "At once with 202, with what a respond step says, or with the rows of the last step.", order=6),
    ] = "immediate"
    wait_seconds: Annotated[
        float, Field("Wait at most", "Then the answer is 202 and the flow goes on.", ge=1, le=300, unit="s", order=7)
    ] = 30


class WebhookSecrets(Config, kw_only=True):
    """What callers know, by the kind of authentication."""

    signing_key: Annotated[Secret, Field("Signing key", "Of hmac: whsec_ and base64; made for you.")] = Secret("")
    previous_signing_key: Annotated[
        Secret, Field("Previous signing key", "Also good while callers change over.", advanced=True)
    ] = Secret("")
    username: Annotated[Secret, Field("User name", "Of basic.")] = Secret("")
    password: Annotated[Secret, Field("Password", "Of basic.")] = Secret("")
    token: Annotated[Secret, Field("Header value", "Of header.")] = Secret("")
    jwt_key: Annotated[Secret, Field("Token key", "Of jwt: a shared secret (HS256) or a public key in PEM.")] = Secret(
        ""
    )


class FlowCompletedConfig(TriggerConfig, kw_only=True):
    """Whose end counts."""

    flow: Annotated[str, Field("Flow", "The flow whose executions are watched.", widget="resource", order=0)]
    statuses: Annotated[
        list[Literal["completed", "failed", "cancelled", "timed_out"]],
        Field("When it is", "Which ends count.", min_length=1, order=1),
    ] = msgspec.field(default_factory=lambda: ["completed"])


class PollConfig(TriggerConfig, kw_only=True):
    """Which stream, how often."""

    connection: Annotated[str, Field("Connection", "Stored, encrypted connection.", widget="connection", order=0)]
    stream: Annotated[
        str, Field("Stream", "Table or endpoint with a cursor column.", widget="stream", options_from="stream",
                   depends_on=["connection"], order=1)
    ]  # fmt: skip
    cursor: Annotated[
        str, Field("Cursor column", "Grows with every new row; by default the stream's own.", advanced=True, order=2)
    ] = ""
    every_seconds: Annotated[float, Field("Every", "Between two looks.", ge=1, le=86_400, unit="s", order=3)] = 60
    batch_rows: Annotated[
        int, Field("Rows at once", "No more rows in one execution.", ge=1, le=10_000, advanced=True, order=4)
    ] = 1_000
    first: Annotated[
        Literal["new", "all"], Field("At first", "Begin with what comes from now on, or with all there is.", order=5)
    ] = "new"


class FileConfig(TriggerConfig, kw_only=True):
    """Which files, and when they count as arrived."""

    connection: Annotated[
        str, Field("Connection", "Stored connection to a folder or a bucket.", widget="connection", order=0)
    ]
    path: Annotated[
        str, Field("Path", "A file or a pattern below the connection's folder; ** also looks in the folders below.",
                   min_length=1, max_length=1_000, examples=["inbox/*.csv", "**/*.parquet"], order=1)
    ]  # fmt: skip
    start: Annotated[
        Literal["file", "batch"], Field("Start", "One execution for each file, or one for all of a look.", order=2)
    ] = "file"
    batch_files: Annotated[
        int, Field("Files at once", "No more files in one execution.", ge=1, le=10_000, visible_if={"start": "batch"},
                   order=3)
    ] = 1_000  # fmt: skip
    changed: Annotated[
        bool, Field("Changed files too", "A file whose size or time is another counts again.", order=4)
    ] = True
    every_seconds: Annotated[float, Field("Every", "Between two looks.", ge=1, le=86_400, unit="s", order=5)] = 10
    settle_seconds: Annotated[
        float, Field("Settled after", "A file is taken once it has stayed as it is for so long, so that none is taken "
                     "half-written.", ge=0, le=86_400, unit="s", order=6)
    ] = 5  # fmt: skip
    first: Annotated[
        Literal["new", "all"], Field("At first", "Begin with what comes from now on, or with all there is.", order=7)
    ] = "new"
