"""What the user fills in: one Config a node."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field
from msgspec import Meta, Struct

_WHERE = "SQL expression over the columns."
_Number = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(ge=1)]


class IfConfig(Config):
    """A condition, and what it decides about."""

    where: Annotated[str, Field("Condition", _WHERE, widget="sql", examples=["id > 1"])]
    decide: Annotated[
        Literal["rows", "any", "every", "empty"],
        Field("Decide by", "Each row by itself, or the whole table: any row, every row, or no row at all meets it.",
              widget="select"),
    ] = "rows"  # fmt: skip


class Case(Struct, forbid_unknown_fields=True):
    """One way."""

    where: Annotated[str, Field("Condition", _WHERE, widget="sql")]
    name: Annotated[str, Field("Name", "For people.")] = ""


class SwitchConfig(Config):
    """Conditions in order."""

    cases: Annotated[
        list[Case],
        Field("Cases", "The first that is true counts.", min_length=1, max_length=6, widget="table",
              examples=[[{"where": "id = 1"}]]),
    ]  # fmt: skip
    decide: Annotated[
        Literal["rows", "any"], Field("Decide by", "Each row by itself, or the table by any row.", widget="segmented")
    ] = "rows"


class MergeConfig(Config):
    """How many branches to wait for."""

    wait_for: Annotated[
        Literal["all", "any", "number"],
        Field("Wait for", "All branches that are taken, the first, or a number of them.", widget="segmented"),
    ] = "all"
    number: Annotated[int, Field("Number", "How many branches, for `number`.", ge=1, le=100)] = 1


class ForEachConfig(Config):
    """What an item is, and how many are executed at a time."""

    over: Annotated[
        Literal["rows", "batches", "values", "files"],
        Field("For each", "Row of the input, batch of rows, value of the list, or file.", widget="segmented"),
    ] = "rows"
    batch_rows: Annotated[int, Field("Rows in a batch", "For batches.", ge=1, le=10_000_000)] = 1_000
    values: Annotated[list[str], Field("Values", "For values; `params.item` is the value inside.")] = []
    connection: Annotated[
        str, Field("Connection", "Of a folder or bucket.", widget="connection", visible_if={"over": "files"})
    ] = ""
    pattern: Annotated[
        str,
        Field("Files", "Path or glob; `params.item.path` is the file inside.", visible_if={"over": "files"}),
    ] = "*"
    parallel: Annotated[int, Field("At a time", "How many items are executed at the same time.", ge=1, le=100)] = 4
    on_item_error: Annotated[
        Literal["fail", "continue"],
        Field("When an item fails", "Fail the step, or go on and send the item to the error port.", widget="segmented"),
    ] = "fail"

    def __post_init__(self) -> None:
        """Files are somewhere."""
        if self.over == "files" and not self.connection:
            raise ValueError("choose the connection whose files are meant")


class WhileConfig(Config):
    """When to go on, and the limit."""

    where: Annotated[str, Field("Repeat while", "SQL expression; true for any row.", widget="sql", examples=["id < 9"])]
    max_rounds: Annotated[int, Field("Rounds at most", "A hard limit.", ge=1, le=1_000)] = 100
    max_seconds: Annotated[
        float,
        Field("Seconds at most", "A hard limit; a round that is under way is stopped.", ge=1, le=31_536_000, unit="s"),
    ] = 86_400
    at_limit: Annotated[
        Literal["fail", "continue"],
        Field("At the limit", "Fail, or go on with what there is.", widget="segmented"),
    ] = "fail"


class SubflowConfig(Config):
    """The flow to call."""

    flow: Annotated[str, Field("Flow", "Name in this workspace, or id.", min_length=1, widget="flow")]
    version: Annotated[_Number | None, Field("Version", "Empty: what is saved now.")] = None
    parameters: Annotated[dict[str, str], Field("Parameters", "Seen there as `params`.", widget="key-value")] = {}
    on_failure: Annotated[
        Literal["fail", "continue"],
        Field("When it fails", "Fail too, or go on with `Done`, whose row says so.", widget="segmented"),
    ] = "fail"
    wait: Annotated[bool, Field("Wait for it", "Off: start it and go on with the rows at once.")] = True


class InputColumn(Struct, forbid_unknown_fields=True):
    """A column that comes in."""

    name: Annotated[str, Field("Column", "Name.", min_length=1)]
    type: Annotated[
        Literal["boolean", "integer", "float", "text", "date", "timestamp"], Field("Type", "Logical type.")
    ] = "text"


class InputConfig(Config):
    """What comes in."""

    columns: Annotated[list[InputColumn], Field("Columns", "What callers hand over.", widget="table")] = []


class OutputConfig(Config):
    """Nothing to choose."""


class WaitConfig(Config):
    """How long, or until when."""

    seconds: Annotated[float, Field("Seconds", "How long.", ge=0, le=31_536_000, unit="s")] = 60
    until: Annotated[
        str, Field("Until", "A moment instead, with zone: 2027-01-31T08:00:00+01:00; a past one does not wait.")
    ] = ""


class WebhookConfig(Config):
    """How long to wait for the call."""

    title: Annotated[str, Field("Title", "What it waits for, for people.")] = ""
    deadline_s: Annotated[_Seconds | None, Field("Deadline", "Seconds; empty waits without end.", unit="s")] = None


class Question(Struct, forbid_unknown_fields=True):
    """A field of the form."""

    name: Annotated[str, Field("Name", "Key of the answer.", min_length=1)]
    title: Annotated[str, Field("Title", "Label.")] = ""
    type: Annotated[Literal["string", "number", "boolean"], Field("Type", "Kind of answer.")] = "string"
    required: Annotated[bool, Field("Required", "Whether it must be answered.")] = False


class ApprovalConfig(Config):
    """Who is asked what, until when."""

    title: Annotated[str, Field("Title", "What is to be decided.", min_length=1, examples=["Pay the invoices?"])]
    message: Annotated[str, Field("Message", "What helps to decide.", widget="textarea")] = ""
    form: Annotated[list[Question], Field("Form", "What is asked besides yes or no.", widget="table")] = []
    assignees: Annotated[list[str], Field("Who", "E-mail addresses; empty: whoever may approve.")] = []
    deadline_s: Annotated[_Seconds | None, Field("Deadline", "Seconds; empty waits without end.", unit="s")] = None
    at_deadline: Annotated[
        Literal["timeout", "reject", "fail"],
        Field("At the deadline", "Go on at `Too late`, count as rejected, or fail.", widget="segmented"),
    ] = "timeout"


class StopConfig(Config):
    """Why."""

    message: Annotated[str, Field("Message", "One sentence: what, and what to do.", min_length=1, examples=["No rows"])]
    where: Annotated[str, Field("Condition", "SQL expression; empty always stops.", widget="sql")] = ""


class RespondConfig(Config):
    """Status, type and body."""

    status: Annotated[int, Field("Status", "HTTP status.", ge=200, le=599)] = 200
    send: Annotated[Literal["rows", "text"], Field("Send", "Rows as JSON, or a text.", widget="segmented")] = "rows"
    body: Annotated[str, Field("Text", "For text.", widget="textarea")] = ""
    content_type: Annotated[str, Field("Content type", "Empty: application/json for rows, text/plain for text.")] = ""
    headers: Annotated[dict[str, str], Field("Headers", "More headers.", widget="key-value")] = {}
    rows_max: Annotated[int, Field("Rows at most", "More are an error, not cut off.", ge=1, le=10_000)] = 1_000


class HandlerConfig(Config):
    """Nothing to choose."""
