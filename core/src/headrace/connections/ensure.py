"""Connections that a flow file names: made when they are missing, with secrets from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections import service
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError

SCHEME = "env:"


async def ensure(
    session: AsyncSession, actor: Any, vault: service.Vault, registry: Registry, wanted: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> list[str]:  # fmt: skip
    """Make the connections of a flow file that do not exist; those that do stay as they are.

    Args:
        session: Of the actor's organization.
        actor: Who makes them.
        vault: Encrypts.
        registry: The plugins.
        wanted: Name to `TextConnection`.
        environ: Where `env:NAME` is looked up.

    Returns:
        Names of those made.

    Raises:
        ConfigError: a variable is not set, or a config does not fit; names connection and field.
    """
    there = await service.names(session, actor.organization_id)
    made = []
    for name, text in wanted.items():
        if name in there:
            continue
        config = _resolved(name, text.config, environ)
        await service.create(session, actor, vault, registry, name=name, connector=text.connector, config=config)
        made.append(name)
    return made


def _resolved(name: str, config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Put values in the place of `env:NAME`; `url` alone is taken apart into host, port, database, user, password."""
    plain = {field: _value(name, field, value, environ) for field, value in config.items()}
    if set(plain) != {"url"}:
        return plain
    parts = urlsplit(str(plain["url"]))
    found: dict[str, Any] = {"host": parts.hostname, "port": parts.port, "database": parts.path.lstrip("/")}
    found |= {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    return {field: value for field, value in found.items() if value}


def _value(name: str, field: str, value: Any, environ: Mapping[str, str]) -> Any:
    if not (isinstance(value, str) and value.startswith(SCHEME)):
        return value
    variable = value.removeprefix(SCHEME)
    if variable not in environ:
        raise ConfigError(
            f"the connection '{name}' takes '{field}' from the environment variable {variable}, which is not set; set it, or "
            "create the connection before",
            field=field,
        )
    return environ[variable]
