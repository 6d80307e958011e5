"""References in the place of secrets, `{"secret": "env:NAME"}`: kept as they are, put in place by workers only."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from headrace.sdk.config import Config, secret_names
from headrace.sdk.errors import ConfigError

_FORM = re.compile(r"[a-z][a-z0-9_]*:[\x21-\x7e]{1,500}", re.ASCII)
_STAND_IN = "reference"


class Declared(Protocol):
    """A manifest that has a config: of a connector, of an auth provider."""

    @property
    def config(self) -> type[Config]:
        """What the user fills in."""


def reference(value: Any) -> str | None:
    """The reference that a field holds; None when it holds something else."""
    if isinstance(value, Mapping) and set(value) == {"secret"} and isinstance(value["secret"], str):
        return value["secret"]
    return None


def references(manifest: Declared, config: Mapping[str, Any]) -> dict[str, str]:
    """References of a config by the path of their field."""
    return {path: found for path, holder, name in _secrets(manifest, config) if (found := reference(holder[name]))}


def filled(manifest: Declared, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with something in the place of each reference, so that the rest can be checked.

    Raises:
        ConfigError: a reference has not the form of one.
    """
    plain = copy.deepcopy(dict(config))
    for path, holder, name in _secrets(manifest, plain):
        found = reference(holder[name])
        if found is None:
            continue
        if not _FORM.fullmatch(found):
            raise ConfigError(f"'{path}' is no reference to a secret; write it as in 'env:SHOP_PASSWORD'", field=path)
        holder[name] = _STAND_IN
    return plain


def without_secrets(manifest: Declared, config: Mapping[str, Any], *, absent: bool = False) -> dict[str, Any]:
    """The config with the same text in each secret field that is there; with `absent` also in those that are not."""
    plain = copy.deepcopy(dict(config))
    for _, holder, name in _secrets(manifest, plain, absent=absent):
        holder[name] = _STAND_IN
    return plain


def put(manifest: Declared, config: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The config with values in the place of references, by path."""
    plain = copy.deepcopy(dict(config))
    for path, holder, name in _secrets(manifest, plain):
        if path in values:
            holder[name] = values[path]
    return plain


def refuse(manifest: Declared, config: Mapping[str, Any]) -> None:
    """Go on if the config holds its secrets itself: only workers read others.

    Raises:
        ConfigError: naming field and reference.
    """
    for path, found in references(manifest, config).items():
        raise ConfigError(
            f"'{path}' comes from '{found}', which only workers may read; try the connection in a flow", field=path
        )


def _secrets(manifest: Declared, config: Mapping[str, Any], *, absent: bool = False) -> Iterator[tuple[str, Any, str]]:
    """Path, holder and name of the secret fields that are there; with `absent` also of those that could be."""
    for path in secret_names(manifest.config):
        *parts, name = path.split(".")
        holder: Any = config
        for part in parts:
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        if isinstance(holder, Mapping) and (absent or name in holder):
            yield path, holder, name
