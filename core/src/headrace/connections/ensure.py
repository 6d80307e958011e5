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
        try:
            await service.create(session, actor, vault, registry, name=name, connector=text.connector, config=config)
        except ConfigError as error:
            where = f"the connection '{name}': {error.message}; correct it in the flow file"
            raise ConfigError(where, hint=error.hint, detail=error.detail, **error.details) from None
        made.append(name)
    return made


async def refresh(
    session: AsyncSession, actor: Any, vault: service.Vault, registry: Registry, wanted: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> list[str]:  # fmt: skip
    """Follow a server of this machine that moved: same host, user and database, another port or password.

    A connection that a user pointed elsewhere stays as it is. Returns the names of those changed.
    """
    changed = []
    for name, text in wanted.items():
        if not any(isinstance(value, str) and value.startswith(SCHEME) for value in text.config.values()):
            continue
        now = _resolved(name, text.config, environ)
        rows, _ = await service.list_(session, actor, connector=text.connector, q=name, limit=100)
        for row in rows:
            had = await vault.open(session, row) if row.name == name else {}
            ours = bool(had) and all(had.get(field) == now.get(field) for field in ("host", "user", "database"))
            ours = ours and _machine(had) == _machine(now)
            if ours and any(had.get(field) != now.get(field) for field in ("port", "password", "base_url")):
                await service.update(session, actor, vault, registry, row.id, {"config": had | now})
                changed.append(name)
    return changed


def _machine(config: Mapping[str, Any]) -> str | None:
    """Host of a `base_url`, if there is one."""
    return urlsplit(str(config["base_url"])).hostname if config.get("base_url") else None


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
            f"the connection '{name}' takes '{field}' from the environment variable {variable}, which is not set; set"
            " it, or create the connection before",
            field=field,
        )
    return environ[variable]
