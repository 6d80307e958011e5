"""One declaration gives form, validation, docs and the list of secrets: a msgspec Struct with `Field`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.wording import EXPECTED, worded


class Config(Struct, forbid_unknown_fields=True):
    """Base of everything a user fills in. Not frozen, so that any Struct style may subclass it.

    Say `kw_only=True` where a required field follows an optional one; msgspec does not inherit it.

    Attributes:
        verbatim: Fields that are no templates: `{{` in them is the user's own, as in code.
    """

    verbatim: ClassVar[frozenset[str]] = frozenset()


class Secret:
    """A text that prints nowhere; `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text. Call it where it is handed to a driver, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not serialised; hand its holder over a private pipe instead")


def Field(  # noqa: N802 - reads as a type in declarations
    title: str,
    description: str = "",
    *,
    ge: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    expected: str = "",
    examples: list[Any] | None = None,
    **ui: Any,
) -> Meta:
    """Describe a field of a `Config`: texts, bounds, and `x-ui` hints (see `docs` of `form schema v1`).

    Args:
        title: Label, sentence case.
        description: One or two sentences under the field.
        ge: Smallest number allowed.
        le: Largest number allowed.
        min_length: Of a text or list.
        max_length: Of a text or list.
        pattern: Regular expression a text must match.
        expected: The same in words, for who did not: `write <expected>`.
        examples: Values that the field takes; used by docs and by the contract tests.
        **ui: Hints of the closed list in `headrace.sdk.forms`: widget, order, group, advanced, placeholder, ...
    """
    extra: dict[str, Any] = ({"x-ui": ui} if ui else {}) | ({EXPECTED: expected} if expected else {})
    known: Any = {"ge": ge, "le": le, "min_length": min_length, "max_length": max_length, "pattern": pattern}
    return Meta(
        title=title, description=description or None, examples=examples, extra_json_schema=extra or None, **known,
    )  # fmt: skip


ConfigT = TypeVar("ConfigT", bound=Config)


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Secret:
        raise ValueError("Expected `str`")
    raise NotImplementedError(f"no decoder for {kind!r}")


def parse_config(kind: type[ConfigT], value: Any) -> ConfigT:
    """Turn plain data into a Config.

    Raises:
        ConfigError: with `errors=[{path, message}]`; the message names the field.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=_decode, strict=True)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        path = place.rstrip("`").lstrip(".")
        text, path = worded(kind, text, path)
        where = f"'{path}': " if path else ""
        raise ConfigError(f"{where}{text}", errors=[{"path": path, "message": text}]) from None


@lru_cache(maxsize=4096)
def secret_names(kind: type[Struct], prefix: str = "") -> tuple[str, ...]:
    """Dotted paths of the fields that are `Secret`, through nested Structs and unions."""
    found: list[str] = []
    for name, hint in get_type_hints(kind, include_extras=False).items():
        for part in _parts(hint):
            if part is Secret:
                found.append(prefix + name)
            elif isinstance(part, type) and issubclass(part, Struct):
                found.extend(secret_names(part, f"{prefix}{name}."))
    return tuple(dict.fromkeys(found))


def _parts(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in {list, tuple, dict, set, frozenset} or not get_args(hint):
        return (hint,)
    return tuple(part for arg in get_args(hint) for part in _parts(arg))


def to_builtins(config: Struct) -> dict[str, Any]:
    """Plain data of a Config, secrets revealed. For encryption and private pipes only."""

    def reveal(value: Any) -> Any:
        if isinstance(value, Secret):
            return value.reveal()
        raise NotImplementedError(f"cannot encode {type(value)!r}")

    result: dict[str, Any] = msgspec.to_builtins(config, enc_hook=reveal, str_keys=True)
    return result
