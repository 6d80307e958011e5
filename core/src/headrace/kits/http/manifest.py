"""`connector.toml` -> declaration -> manifest; what does not fit is refused with its place in the file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, cast

import msgspec
from msgspec import Struct

from headrace.kits.http.parts import (
    ActionPart,
    BasicAuth,
    BearerAuth,
    Declaration,
    FieldPart,
    HeaderAuth,
    Hmac,
    OAuth2,
    QueryAuth,
    SigV4,
)
from headrace.kits.http.paths import fields_of
from headrace.sdk.config import Config, Field, Secret, secret_names
from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import Action, Capability, ConnectorManifest, Lazy, OAuthFlow, Trigger, lazy

FILE = "connector.toml"
_WORK = {False: "connector:RestConnector", True: "actions:ActingRestConnector"}
_FIELD_TYPES: dict[str, Any] = {"secret": Secret, "text": str, "integer": int, "boolean": bool}


def rest_manifest(module: str, config: type[Config] | None = None, *, factory: Lazy | None = None) -> ConnectorManifest:
    """The manifest of the package's `connector.toml`.

    Args:
        module: `__name__` of the declaration module; the file lies beside it.
        config: Struct of a connection, defined in that module; without it the file's `[config]` is one. A field
            `base_url` goes before the file's.
        factory: A subclass of `RestConnector` (`ActingRestConnector`), when Python is needed.

    Raises:
        ConfigError: naming the place in the file.
    """
    said = declared(module)
    config = config or _config(module, said)
    if config.__module__ != module:
        raise ConfigError(f"{config.__name__} is not defined in {module}; the connector finds its {FILE} by it")
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
        icon=said.icon, docs=said.docs, proof=said.proof, waits=True, oauth=flow_of(said.auth),
    )  # fmt: skip


@lru_cache(maxsize=512)
def declared(module: str) -> Declaration:
    """The declaration of a package, read once."""
    return parse(files(module).joinpath(FILE).read_text(encoding="utf-8"), f"{module}/{FILE}")


def parse(text: str, name: str = FILE) -> Declaration:
    """Read a declaration.

    Raises:
        ConfigError: naming file and place, e.g. `streams[0]: Object contains unknown field 'primry_key'`.
    """
    from headrace.kits.http.problems import problems

    try:
        said = msgspec.convert(tomllib.loads(text), Declaration)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$")
        raise ConfigError(f"{name}: {place.strip('`.') or 'top'}: {words.replace('`', chr(39))}") from None
    for place, problem in problems(said):
        raise ConfigError(f"{name}: {place}: {problem}")
    return said


def flow_of(auth: object) -> OAuthFlow | None:
    """How a person connects it, if one does."""
    if not isinstance(auth, OAuth2) or auth.grant not in {"authorization_code", "device_code"}:
        return None
    return OAuthFlow(**{name: getattr(auth, name) for name in OAuthFlow.__struct_fields__})


def _config(module: str, said: Declaration) -> type[Config]:
    """The Struct of the file's `[config]`."""
    name = "".join(part.capitalize() for part in said.id.split("_")) + "Config"
    fields = [_field(field, part, order) for order, (field, part) in enumerate(said.config.items())]
    return cast("type[Config]", msgspec.defstruct(name, fields, bases=(Config,), kw_only=True, module=module))


def _field(name: str, part: FieldPart, order: int) -> Any:
    kind: Any = _FIELD_TYPES[part.type]
    hint: Any = Annotated[kind, Field(part.title, part.description, order=order)]
    if part.default is None:
        return (name, hint)
    return (name, hint, Secret(str(part.default)) if part.type == "secret" else part.default)


def _check_config(said: Declaration, config: type[Config]) -> None:
    """The fields that signing in needs are in the Config, and secret ones are secret."""
    names, hidden = set(config.__struct_fields__), set(secret_names(config))
    plain, secret = _needed(said)
    for name in secret:
        if name not in hidden:
            raise ConfigError(f"{FILE}: auth: {config.__name__} has no Secret '{name}'")
    for name in plain:
        if name not in names:
            raise ConfigError(f"{FILE}: auth: {config.__name__} has no field '{name}'")
    if not said.base_url and "base_url" not in names:
        raise ConfigError(f"{FILE}: top: there is no base_url, neither here nor in {config.__name__}")


def _needed(said: Declaration) -> tuple[set[str], set[str]]:
    """Fields of the Config that are needed: those that may be seen, and the secret ones."""
    plain = fields_of(said.base_url)
    secret: set[str] = set()
    match said.auth:
        case BearerAuth(field=name) | HeaderAuth(field=name) | QueryAuth(field=name) | Hmac(field=name):
            secret = {name}
        case BasicAuth(user=user, password=name):
            plain, secret = plain | {user}, {name}
        case SigV4(access_key=user, secret_key=name, region=region, session_token=session):
            plain, secret = plain | {user, region}, {name, *filter(None, [session])}
        case OAuth2() as auth:
            for url in (auth.token_url, auth.authorize_url, auth.device_url):
                plain |= fields_of(url)
            plain |= {auth.client_id, *filter(None, [auth.subject])}
            if not auth.token_url:
                plain.add("token_url")
            secret = {auth.private_key if auth.grant == "jwt_bearer" else auth.client_secret}
            secret |= {auth.refresh_token} if auth.grant == "refresh_token" else set()
    return plain, secret


@lru_cache(maxsize=2048)
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
