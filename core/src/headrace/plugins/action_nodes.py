"""Node types of a connector's declared actions: one call for each row that comes in, or one call alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, cast, get_type_hints

import msgspec
from msgspec import Meta

from headrace.sdk.config import Config, Field
from headrace.sdk.manifests import ERROR_PORT, Action, ConnectorManifest, NodeManifest, Port, lazy

_IN = Port("in", "Rows", required=False)
_OUT = Port("out", "Answers", required=False)


def action_nodes(connector: ConnectorManifest) -> Iterator[NodeManifest]:
    """Derive a node type `<connector>.<action>` from each action."""
    for action in connector.actions:
        yield NodeManifest(
            id=action.id, title=f"{connector.title}: {action.title[:1].lower()}{action.title[1:]}",
            summary=action.summary or action.title, kind="sink", config=action_config(connector, action),
            factory=lazy("headrace.engine.action_step:ActionStep"), inputs=(_IN,), outputs=(_OUT, ERROR_PORT),
            effect=action.effect, tags=("action", "call"), icon=connector.icon, docs=connector.docs,
            feature=connector.feature, waits=connector.waits,
        )  # fmt: skip


def action_config(connector: ConnectorManifest, action: Action) -> type[Config]:
    """Config of `<connector>.<action>`: the connection, values for all rows, and columns that give others."""
    connection = Field(
        "Connection", "Stored, encrypted connection.", widget="connection", connection_type=connector.id, order=0
    )
    columns = Field(
        "From columns", "Input to column. An input that is not here is taken from a column of its own name, if the "
        "rows have one, and else from the values below.", widget="key-value", order=1,
    )  # fmt: skip
    values = Field("Values", "For inputs that the rows do not give.", order=2, group="values")
    kind = values_config(connector, action)
    fields: list[Any] = [
        ("connection", Annotated[str, connection]),
        ("columns", Annotated[dict[str, str], columns], msgspec.field(default_factory=dict)),
        ("values", Annotated[kind, values], msgspec.field(default_factory=kind)),
    ]
    made = msgspec.defstruct(
        _name(connector, action), fields, bases=(Config,), kw_only=True, module=__name__,
        namespace={"connector": connector.id, "action": action},
    )  # fmt: skip
    return cast("type[Config]", made)


def values_config(connector: ConnectorManifest, action: Action) -> type[Config]:
    """The action's input with nothing required and no bounds: rows may give it, and a whole input is checked then."""
    fields = []
    hints = get_type_hints(action.input, include_extras=True)
    for field in msgspec.structs.fields(action.input):
        hint = hints[field.name]
        meta = [_words(part) for part in getattr(hint, "__metadata__", ()) if isinstance(part, Meta)]
        bare: Any = hint.__origin__ if meta else hint
        kind: Any = bare if bare is Any else bare | None
        fields.append((field.name, Annotated[(kind, *meta)] if meta else kind, None))
    made = msgspec.defstruct(
        f"{_name(connector, action)}Values", fields, bases=(Config,), kw_only=True, module=__name__
    )
    return cast("type[Config]", made)


def _words(meta: Meta) -> Meta:
    """Texts and hints of a field."""
    return Meta(title=meta.title, description=meta.description, extra_json_schema=meta.extra_json_schema)


def _name(connector: ConnectorManifest, action: Action) -> str:
    return "".join(part.title() for part in f"{connector.id}_{action.id}".split("_"))
