"""Config of hosted pages, forms and chats: where they are and who may see them; and of the chat trigger."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field, Secret, TriggerConfig


class PageConfig(TriggerConfig, kw_only=True):
    """Where a page is, and for whom."""

    url_path: Annotated[
        str, Field("Own path", "Also reachable at <organization>/<path> there; 255 characters at most.",
                   max_length=255, pattern="^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$",
                   expected="words of letters, digits, - and _, with / between them",
                   order=4, advanced=True)
    ] = ""  # fmt: skip
    authentication: Annotated[
        Literal["none", "basic", "token"],
        Field("Authentication", "Whoever knows the address, a user name and password, or an address with ?token=.",
              order=5),
    ] = "none"  # fmt: skip


class ChatConfig(PageConfig, kw_only=True):
    """The chat."""

    title: Annotated[str, Field("Title", "The heading of the page.", min_length=1, max_length=200, order=0)] = "Chat"
    description: Annotated[
        str, Field("Greeting", "Shown before the first message.", widget="textarea", max_length=2_000, order=1)
    ] = ""
    button: Annotated[str, Field("Button", "The text on it.", min_length=1, max_length=60, order=3)] = "Send"
    history: Annotated[
        int, Field("History", "How many earlier messages, with their answers, the flow is given.", ge=0, le=50, order=6)
    ] = 10  # fmt: skip
    wait_seconds: Annotated[
        float, Field("Wait at most", "For the answer of the flow.", ge=1, le=300, unit="s", order=9)
    ] = 60


class PageSecrets(Config, kw_only=True):
    """What visitors know, by the kind of authentication."""

    username: Annotated[Secret, Field("User name", "Of basic.")] = Secret("")
    password: Annotated[Secret, Field("Password", "Of basic.")] = Secret("")
    token: Annotated[Secret, Field("Token", "Of token: what follows ?token= in the address.")] = Secret("")
