"""Node types that every connector gets from its manifest: read, write, query, and one per action."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec

from headrace.plugins.action_nodes import action_nodes
from headrace.sdk.config import Config, Field
from headrace.sdk.manifests import ERROR_PORT, Capability, ConnectorManifest, Effect, NodeManifest, Port, lazy

_WORK = "headrace.engine.connector_steps"
_KEYED = {"upsert": "Upsert", "merge": "Merge", "scd2": "Keep history"}


def connector_nodes(connector: ConnectorManifest) -> Iterator[NodeManifest]:
    """Derive the node types of a connector from what it can do."""
    can = connector.capabilities
    common: dict[str, Any] = {
        "icon": connector.icon, "docs": connector.docs, "feature": connector.feature, "waits": connector.waits,
    }  # fmt: skip
    if can & {Capability.READ, Capability.SCAN}:
        yield NodeManifest(
            id="read", title=f"{connector.title}: read", summary=f"Read rows from {connector.title}", kind="source",
            config=read_config(connector), factory=lazy(f"{_WORK}:ReadStep"), inputs=(),
            outputs=(Port("out", "Rows"), ERROR_PORT), effect=Effect.READ, tags=("source", "extract"), **common,
        )  # fmt: skip
    if Capability.QUERY in can:
        yield NodeManifest(
            id="query", title=f"{connector.title}: query", summary=f"Rows of a SELECT in {connector.title}",
            kind="source", config=query_config(connector), factory=lazy(f"{_WORK}:QueryStep"), inputs=(),
            outputs=(Port("out", "Rows"),), effect=Effect.READ, tags=("sql", "select"), **common,
        )  # fmt: skip
    if Capability.WRITE in can:
        yield NodeManifest(
            id="write", title=f"{connector.title}: write", summary=f"Write rows to {connector.title}", kind="sink",
            config=write_config(connector), factory=lazy(f"{_WORK}:WriteStep"),
            outputs=(Port("result", "Counts", required=False), ERROR_PORT), effect=Effect.UPDATE,
            tags=("sink", "load", "save"), **common,
        )  # fmt: skip
    yield from action_nodes(connector)


def _connection(connector: ConnectorManifest) -> tuple[str, Any]:
    hint = Field(
        "Connection", "Stored, encrypted connection.", widget="connection", connection_type=connector.id, order=0
    )
    return "connection", Annotated[str, hint]


def read_config(connector: ConnectorManifest) -> type[Config]:
    """Config of `<connector>.read`."""
    fields: list[Any] = [
        _connection(connector),
        ("stream", Annotated[str, Field("Stream", "Table, file or endpoint to read.", widget="stream",
                                        options_from="stream", depends_on=["connection"], order=1,
                                        allow_custom=connector.read_options is not None)]),
        ("columns", Annotated[list[str], Field("Columns", "Empty reads all of them.", widget="columns",
                                               options_from="columns", order=2)], msgspec.field(default_factory=list)),
    ]  # fmt: skip
    if Capability.INCREMENTAL in connector.capabilities:
        text = "Only rows whose cursor column is greater than this."
        fields.append(
            ("after", Annotated[str | int | float | None, Field("After", text, advanced=True, order=8)], None)
        )
        fields.append(
            (
                "cursor",
                Annotated[
                    str,
                    Field(
                        "Cursor column", "Of an incremental read; by default the stream's own.", advanced=True, order=7
                    ),
                ],
                "",
            )
        )
    hint = Field("Row limit", "Stop after so many rows; 0 reads all.", ge=0, advanced=True, order=9)
    fields.append(("limit", Annotated[int, hint], 0))
    if connector.read_options is not None:
        fields.append(_options(connector.read_options))
    return _struct(connector, "Read", fields)


def query_config(connector: ConnectorManifest) -> type[Config]:
    """Config of `<connector>.query`."""
    return _struct(
        connector,
        "Query",
        [
            _connection(connector),
            (
                "sql",
                Annotated[
                    str,
                    Field(
                        "SQL",
                        "One SELECT; `:name` takes a parameter, which is bound, never pasted in.",
                        widget="code",
                        language="sql",
                        rows=8,
                        order=1,
                    ),
                ],
            ),
            (
                "parameters",
                Annotated[dict[str, str | int | float | bool | None], Field("Parameters", widget="key-value", order=2)],
                msgspec.field(default_factory=dict),
            ),
        ],
    )


def write_config(connector: ConnectorManifest) -> type[Config]:
    """Config of `<connector>.write`."""
    keyed = {mode: text for mode, text in _KEYED.items() if Capability(mode) in connector.capabilities}
    texts = {"append": "Append", "overwrite": "Overwrite", **keyed}
    modes: Any = Literal[tuple(texts)]
    fields: list[Any] = [
        _connection(connector),
        ("stream", Annotated[str, Field("Target", "Table or file to write; created when it is missing.",
                                        widget="stream", options_from="stream", allow_custom=True,
                                        depends_on=["connection"], order=1)]),
        ("mode", Annotated[modes, Field("Write mode", widget="segmented", enum_labels=texts, order=2)], "append"),
    ]  # fmt: skip
    if keyed:
        text = "Columns that identify a row."
        keys = Field("Key columns", text, widget="columns", visible_if={"mode": list(keyed)}, order=3)
        fields.append(("keys", Annotated[list[str], keys], msgspec.field(default_factory=list)))
    if Capability.PLAN in connector.capabilities:
        text = "An overwrite that drops columns, or makes their types narrower, is refused until this is set."
        confirm = Field("Columns may be lost", text, visible_if={"mode": ["overwrite"]}, order=4)
        fields.append(("confirm_destructive", Annotated[bool, confirm], False))
    if connector.write_options is not None:
        fields.append(_options(connector.write_options))
    return _struct(connector, "Write", fields)


def _options(kind: type[Config]) -> tuple[str, Any, Any]:
    hint = Field("Options", order=6, group="options")
    return "options", Annotated[kind, hint], msgspec.field(default_factory=kind)


def _struct(connector: ConnectorManifest, suffix: str, fields: list[Any]) -> type[Config]:
    name = "".join(part.title() for part in connector.id.split("_")) + suffix
    made = msgspec.defstruct(name, fields, bases=(Config,), kw_only=True, module=__name__)
    return cast("type[Config]", made)
