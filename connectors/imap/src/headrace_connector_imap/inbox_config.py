"""Config of the trigger on mail: which counts, what becomes of it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from headrace.sdk import Field, TriggerConfig


class InboxConfig(TriggerConfig, kw_only=True):
    """Which mail starts the flow."""

    connection: Annotated[
        str, Field("Connection", "The mailbox.", widget="connection", connection_type="imap", order=0)
    ]
    folder: Annotated[str, Field("Folder", "As the server names it.", min_length=1, order=1)] = "INBOX"
    sender: Annotated[str, Field("From contains", "Part of the sender; empty takes all.", max_length=500, order=2)] = ""
    subject: Annotated[
        str, Field("Subject contains", "Part of the subject; empty takes all.", max_length=500, order=3)
    ] = ""
    unseen: Annotated[bool, Field("Only unread", "Leave out what somebody has read already.", order=4)] = False
    after: Annotated[
        Literal["leave", "seen", "move"],
        Field("Then", "Leave it, mark it as read, or move it.", order=5),
    ] = "leave"
    target: Annotated[str, Field("Move to", "A folder that exists.", visible_if={"after": "move"}, order=6)] = ""
    first: Annotated[
        Literal["new", "all"], Field("At first", "Begin with what comes from now on, or with all there is.", order=7)
    ] = "new"
    every_seconds: Annotated[float, Field("Every", "Between two looks.", ge=1, le=86_400, unit="s", order=8)] = 30
    batch: Annotated[
        int, Field("Mails at once", "Fetched in one go; each starts one execution.", ge=1, le=100, advanced=True,
                   order=9)
    ] = 20  # fmt: skip
    max_mb: Annotated[
        float, Field("Largest mail", "Above this only the headers are fetched.", ge=0.001, le=50, unit="MB",
                     advanced=True, order=10)
    ] = 25  # fmt: skip
    attachment_types: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^([\w.+-]+/([\w.+-]+|\*)|\.\w+)$")]],
        Field("Attachments allowed", "Media types such as application/pdf or image/*, and endings such as .csv; if "
              "both are named, a file has to have one of each. Empty: all. What is refused is told with its reason.",
              widget="tags", order=11),
    ] = []  # fmt: skip
    attachment_max_mb: Annotated[
        float, Field("Largest attachment", "A larger one is refused.", ge=0.001, le=50, unit="MB", order=12)
    ] = 10
    attachments_max: Annotated[
        int, Field("Attachments of a mail", "Those beyond are refused.", ge=0, le=1_000, advanced=True, order=13)
    ] = 50
