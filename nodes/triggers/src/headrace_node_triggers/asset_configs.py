"""Config of the trigger on assets: which, whether all of them, and how long they have to be quiet."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field, TriggerConfig


class AssetRef(Config, kw_only=True):
    """What a write step of some flow writes."""

    connection: Annotated[str, Field("Connection", "Through which it is written.", widget="connection", order=0)]
    object: Annotated[
        str, Field("Object", "Table or file, as the write step names it.", min_length=1, max_length=1_000, order=1)
    ]


class AssetConfig(TriggerConfig, kw_only=True):
    """What has to be written."""

    assets: Annotated[
        list[AssetRef], Field("Assets", "Tables and files that flows write.", min_length=1, max_length=100, order=0)
    ]
    when: Annotated[
        Literal["any", "all"],
        Field("Start when", "Any of them was written since the last start, or each of them.", order=1),
    ] = "any"
    quiet_seconds: Annotated[
        float, Field("Quiet for", "Writes that follow each other within this start the flow once; ten times this is "
                     "the longest wait.", ge=0, le=86_400, unit="s", order=2)
    ] = 5  # fmt: skip
