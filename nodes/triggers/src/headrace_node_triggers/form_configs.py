"""Config of the form trigger: what the hosted page asks, who may see it, how it answers."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field

from headrace_node_triggers.page_configs import PageConfig

Kind = Literal["text", "long_text", "email", "number", "date", "choice", "boolean", "file"]


class FormField(Config, kw_only=True):
    """One question of the page; its name is a column of the step's output."""

    name: Annotated[
        str,
        Field(
            "Name",
            "Of the column: small letters, digits and _.",
            pattern="^[a-z][a-z0-9_]{0,62}$",
            expected="small letters, digits and _, a letter first",
            order=0,
        ),
    ]
    label: Annotated[str, Field("Label", "What people read; by default the name.", max_length=200, order=1)] = ""
    type: Annotated[Kind, Field("Type", "What is asked for.", order=2)] = "text"
    required: Annotated[bool, Field("Required", "Whether it has to be filled in.", order=3)] = False
    help: Annotated[str, Field("Help", "One or two sentences under the label.", max_length=500, order=4)] = ""
    choices: Annotated[
        list[str], Field("Choices", "What can be chosen.", max_length=200, widget="tags",
                         visible_if={"type": "choice"}, order=5)
    ] = []  # fmt: skip
    max_mb: Annotated[
        float, Field("Largest file", "In MiB.", ge=0.001, le=20, unit="MiB", visible_if={"type": "file"}, order=6)
    ] = 10


class FormConfig(PageConfig, kw_only=True):
    """The page."""

    title: Annotated[str, Field("Title", "The heading of the page.", min_length=1, max_length=200, order=0)] = "Form"
    description: Annotated[
        str, Field("Description", "A paragraph under the heading.", widget="textarea", max_length=2_000, order=1)
    ] = ""
    fields: Annotated[
        list[FormField], Field("Questions", "In the order in which they are asked.", min_length=1, max_length=100,
                               order=2)
    ]  # fmt: skip
    button: Annotated[str, Field("Button", "The text on it.", min_length=1, max_length=60, order=3)] = "Send"
    response: Annotated[
        Literal["message", "redirect", "respond_node"],
        Field("Answer", "A text, another page, or what a respond step says.", order=6),
    ] = "message"
    message: Annotated[
        str, Field("Thank-you text", "Shown when everything is stored.", widget="textarea", min_length=1,
                   max_length=2_000, order=7)
    ] = "Thank you, your answers have been received."  # fmt: skip
    redirect_url: Annotated[
        str, Field("Go to", "Address of the other page, by https.", placeholder="https://example.org/thanks",
                   max_length=2_000, visible_if={"response": "redirect"}, order=8)
    ] = ""  # fmt: skip
    wait_seconds: Annotated[
        float, Field("Wait at most", "Then the thank-you text is shown and the flow goes on.", ge=1, le=300, unit="s",
                     visible_if={"response": "respond_node"}, order=9)
    ] = 30  # fmt: skip
