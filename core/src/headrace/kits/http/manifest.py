"""`connector.toml` -> declaration -> manifest; what does not fit is refused with its place in the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from headrace.kits.http.parts import (
    ActionPart,
    BasicAuth,
    BearerAuth,
    ColumnPart,
    Declaration,
    HeaderAuth,
    OAuth2,
    StreamPart,
)
from headrace.sdk.config import Config, Field, secret_names
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Action, Capability, ConnectorManifest, Lazy, Trigger, lazy

FILE = "connector.toml"
_WORK = {False: "connector:RestConnector", True: "actions:ActingRestConnector"}
_FIELD = re.compile(r"\{([^{}]*)\}")


def rest_manifest(module: str, config: type[Config], *, factory: Lazy | None = None) -> ConnectorManifest:
    """The manifest of the package's `connector.toml`.

    Args:
        module: `__name__` of the declaration module; the file lies beside it.
        config: Struct of a connection, defined in that module. A field `base_url` goes before the file's.
        factory: A subclass of `RestConnector` (`ActingRestConnector`), when Python is needed.

    Raises:
        ConfigError: naming the place in the file.
    """
    if config.__module__ != module:
        raise ConfigError(f"{config.__name__} is not defined in {module}; the connector finds its {FILE} by it")
    said = declared(module)
    _check_config(said, config)
    capabilities = {Capability.READ} if said.streams else set()
    if any(stream.cursor for stream in said.streams):
        capabilities.add(Capability.INCREMENTAL)
    return ConnectorManifest(
        id=said.id, title=said.title, category=said.category, config=config,
        summary=said.summary or f"Records of {said.title}",
        factory=factory or lazy(f"headrace.kits.http.{_WORK[bool(said.actions)]}"),
        capabilities=frozenset(capabilities),
        actions=tuple(_action(part) for part in said.actions),
        triggers=tuple(Trigger(**msgspec.structs.asdict(part)) for part in said.triggers),
        icon=said.icon, docs=said.docs, proof=said.proof, waits=True,
    )  # fmt: skip


@lru_cache(maxsize=256)
def declared(module: str) -> Declaration:
    """The declaration of a package, read once."""
    return parse(files(module).joinpath(FILE).read_text(encoding="utf-8"), f"{module}/{FILE}")


def parse(text: str, name: str = FILE) -> Declaration:
    """Read a declaration.

    Raises:
        ConfigError: naming file and place, e.g. `streams[0]: Object contains unknown field 'primry_key'`.
    """
    try:
        said = msgspec.convert(tomllib.loads(text), Declaration)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$")
        raise ConfigError(f"{name}: {place.strip('`.') or 'top'}: {words.replace('`', chr(39))}") from None
    for place, problem in _problems(said):
        raise ConfigError(f"{name}: {place}: {problem}")
    return said


def _problems(said: Declaration) -> Iterator[tuple[str, str]]:
    """Places and what is wrong there."""
    names = [stream.name for stream in said.streams]
    yield from (("streams", f"'{name}' is there twice") for name in sorted(set(names)) if names.count(name) > 1)
    for place, stream in ((f"streams[{n}]", stream) for n, stream in enumerate(said.streams)):
        yield from ((place, problem) for problem in stream_problems(stream))
        if stream.parent and (stream.parent.stream not in names or stream.parent.stream == stream.name):
            yield f"{place}.parent", f"there is no other stream '{stream.parent.stream}'"
    for n, action in enumerate(said.actions):
        yield from ((f"actions[{n}]", problem) for problem in _action_problems(action))
    for n, trigger in enumerate(said.triggers):
        source = said.stream(trigger.stream)
        if source is None or not source.cursor:
            yield f"triggers[{n}]", f"there is no stream '{trigger.stream}' with a cursor"


def stream_problems(stream: StreamPart) -> Iterator[str]:
    """What is wrong with a stream."""
    from headrace.kits.http.types import column_of

    if not stream.columns:
        yield "it has no columns"
    for name, part in stream.columns.items():
        try:
            column_of(name, part.type if isinstance(part, ColumnPart) else part)
        except ConfigError as error:
            yield error.message
    for name in (*stream.primary_key, *filter(None, [stream.cursor, stream.key_column])):
        if name not in stream.columns:
            yield f"'{name}' is not one of its columns"
    params = {stream.parent.param} if stream.parent else set()
    if set(_FIELD.findall(stream.path)) != params:
        yield f"the path '{stream.path}' must hold the parent's parameter and no other"


def _action_problems(action: ActionPart) -> Iterator[str]:
    from headrace.kits.http.types import column_of

    for name in (*_FIELD.findall(action.path), *action.required, *action.query):
        if name not in action.input:
            yield f"'{name}' is not one of its inputs"
    for name in _FIELD.findall(action.path):
        if name not in action.required:
            yield f"'{name}' is part of the path, so it must be required"
    for name, kind in {**action.input, **action.output}.items():
        try:
            column_of(name, kind)
        except ConfigError as error:
            yield error.message


def _check_config(said: Declaration, config: type[Config]) -> None:
    """The fields that signing in needs are in the Config, and secret ones are secret."""
    names, hidden = set(config.__struct_fields__), set(secret_names(config))
    match said.auth:
        case BearerAuth(field=secret) | HeaderAuth(field=secret):
            plain = ""
        case BasicAuth(user=plain, password=secret) | OAuth2(client_id=plain, client_secret=secret):
            pass
        case _:
            plain = secret = ""
    if secret and secret not in hidden:
        raise ConfigError(f"{FILE}: auth: {config.__name__} has no Secret '{secret}'")
    if plain and plain not in names:
        raise ConfigError(f"{FILE}: auth: {config.__name__} has no field '{plain}'")
    if not said.base_url and "base_url" not in names:
        raise ConfigError(f"{FILE}: top: there is no base_url, neither here nor in {config.__name__}")


@lru_cache(maxsize=1024)
def action_types(action: ActionKey) -> tuple[type[Config], type[Struct] | None]:
    """Input and output Struct of an action."""
    from headrace.kits.http.types import PYTHON

    fields: list[Any] = []
    for order, (name, kind) in enumerate(action.input):
        hint = Field(name.replace("_", " ").capitalize(), order=order)
        python = PYTHON.get(kind, str)
        if name in action.required:
            fields.append((name, Annotated[python, hint]))
        else:
            fields.append((name, Annotated[python | None if python is not Any else Any, hint], None))
    title = "".join(part.capitalize() for part in action.id.split("_"))
    given: Any = msgspec.defstruct(f"{title}Input", fields, bases=(Config,), kw_only=True, module=__name__)
    if not action.output:
        return given, None
    made = [
        (name, Any if PYTHON.get(kind, str) is Any else PYTHON.get(kind, str) | None, None)
        for name, kind in action.output
    ]
    return given, msgspec.defstruct(f"{title}Output", made, kw_only=True, module=__name__)


class ActionKey(Struct, frozen=True):
    """What the types of an action depend on; hashable."""

    id: str
    input: tuple[tuple[str, str], ...]
    required: tuple[str, ...]
    output: tuple[tuple[str, str], ...]


def key_of(part: ActionPart) -> ActionKey:
    """The key of an action's types."""
    return ActionKey(part.id, tuple(part.input.items()), part.required, tuple(part.output.items()))


def _action(part: ActionPart) -> Action:
    given, made = action_types(key_of(part))
    return Action(id=part.id, title=part.title, input=given, output=made, effect=part.effect, summary=part.summary)
