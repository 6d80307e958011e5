"""Look through a connection: test it, list its streams, preview rows. Drivers block: in a thread, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from headrace.connections import secrets
from headrace.connections.references import filled, refuse
from headrace.plugins.registry import Registry
from headrace.sdk.config import parse_config
from headrace.sdk.connectors import Connector, WriteMode
from headrace.sdk.errors import AuthError, ConfigError, HeadraceError, TransientError
from headrace.sdk.forms import config_schema
from headrace.sdk.manifests import Capability
from headrace.sdk.tables import Change
from headrace.sdk.types import Column

DEADLINE_S = 30
Answer = TypeVar("Answer")


TokenSource: TypeAlias = Callable[[], Awaitable[str]]
"""Gives the access token of a connection that a person connected; "" of another."""


async def no_token() -> str:
    """Of a connection that is not stored."""
    return ""


class _Host:
    """What a connection has of us while somebody looks through it: its token, and no shared pace."""

    def __init__(self, token: str) -> None:
        self._token = token

    def wait_s(self, budgets: tuple[tuple[int, int], ...]) -> float:
        return 0.0

    def token(self, refused: str = "") -> str:
        if refused == self._token:
            raise AuthError("the other side refuses the sign-in; connect again")
        return self._token


async def _ask(
    registry: Registry, connector: str, config: Mapping[str, Any], work: Callable[[Connector[Any]], Answer],
    token: TokenSource = no_token,
) -> Answer:  # fmt: skip
    entry = registry.connector(connector)
    refuse(entry.manifest, config)
    given = await token()

    def call() -> Answer:
        opened = entry.open(config)
        if given:
            opened.host = _Host(given)
        try:
            return work(opened)
        finally:
            opened.close()

    try:
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.to_thread(call)
    except TimeoutError:
        raise TransientError(
            f"'{connector}' did not answer within {DEADLINE_S} s; check the address and the network"
        ) from None


async def test(
    registry: Registry,
    connector: str,
    config: Mapping[str, Any],
    token: TokenSource = no_token,  # noqa: PT028 - no test of pytest
) -> dict[str, Any]:
    """Check a connection: `{ok, ms, checks[{name, ok, detail}], hint}`; never raises for a bad one."""
    started = time.perf_counter()
    checks: list[dict[str, Any]] = []
    hint = ""
    try:
        manifest = registry.connector(connector).manifest
        parse_config(manifest.config, filled(manifest, config))
        checks.append({"name": "settings", "ok": True, "detail": ""})
        await _ask(registry, connector, config, lambda opened: opened.check(), token)
        checks.append({"name": "connect", "ok": True, "detail": ""})
    except HeadraceError as error:
        checks.append({"name": "connect" if checks else "settings", "ok": False, "detail": error.message})
        hint = error.hint
    return {
        "ok": all(check["ok"] for check in checks), "ms": round((time.perf_counter() - started) * 1_000),
        "checks": checks, "hint": hint,
    }  # fmt: skip


async def choices(
    registry: Registry, connector: str, config: Mapping[str, Any], field: str, token: TokenSource = no_token
) -> list[str]:
    """Values to choose from for a field of a connection that is being filled in.

    Raises:
        ConfigError: the field has none, or what they are asked with is not there yet.
    """
    manifest = registry.connector(connector).manifest
    shapes = config_schema(manifest.config)["properties"]
    shape = shapes.get(field, {})
    if shape.get("x-ui", {}).get("options_from") != "choices":
        raise ConfigError(f"the field '{field}' of '{connector}' has no values to choose from", field="field")
    given = {**config, field: config.get(field) or next(iter(shape.get("examples", ())), "")}
    return list(await _ask(registry, connector, given, lambda opened: opened.choices(field), token))


async def streams(
    registry: Registry, connector: str, config: Mapping[str, Any], token: TokenSource = no_token
) -> list[dict[str, Any]]:
    """Streams with their columns."""
    found = await _ask(registry, connector, config, lambda opened: list(opened.discover()), token)
    return [msgspec.to_builtins(stream) for stream in found]


async def plan(
    registry: Registry, connector: str, config: Mapping[str, Any], stream: str, columns: Sequence[Mapping[str, Any]],
    *, mode: WriteMode, keys: Sequence[str] = (), options: Mapping[str, Any] | None = None,
    token: TokenSource = no_token,
) -> list[Change]:  # fmt: skip
    """What a write of such rows would do to a stream, in sentences; changes nothing.

    Raises:
        ConfigError: the connector cannot tell, the write would be refused, or a column is not described.
    """
    manifest = registry.connector(connector).manifest
    if Capability.PLAN not in manifest.capabilities:
        raise ConfigError(f"'{manifest.title}' cannot tell what a write would do; try it on a copy", field="mode")
    try:
        made = [msgspec.convert(dict(column), Column) for column in columns]
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"a column is not described by name and type: {error}; give them as a look at the stream does",
            field="columns",
        ) from None
    said = parse_config(manifest.write_options, dict(options or {})) if manifest.write_options else None
    return await _ask(
        registry, connector, config,
        lambda opened: list(opened.plan(stream, made, mode=mode, keys=list(keys), options=said)), token,
    )  # fmt: skip


async def preview(
    registry: Registry, connector: str, config: Mapping[str, Any], stream: str, limit: int,
    token: TokenSource = no_token,
) -> dict[str, Any]:  # fmt: skip
    """First rows of a stream: `{schema, rows}`."""

    def read(opened: Connector[Any]) -> dict[str, Any]:
        from headrace.infra.frame_pages import page_of

        wanted = opened.stream(stream)
        frame = next(opened.read(wanted, batch_rows=limit), None)
        return page_of(frame, wanted.columns, limit)

    return await _ask(registry, connector, config, read, token)


async def query(
    registry: Registry, connector: str, config: Mapping[str, Any], sql: str, parameters: Mapping[str, Any], limit: int,
    token: TokenSource = no_token,
) -> dict[str, Any]:  # fmt: skip
    """First rows of one SELECT under the SQL policy: `{schema, rows}`.

    Raises:
        ConfigError: the connector takes no SELECT, or this one is refused.
    """
    if Capability.QUERY not in registry.connector(connector).manifest.capabilities:
        raise ConfigError(f"a connection of '{connector}' takes no SQL; look at its streams", field="sql")

    def read(opened: Connector[Any]) -> dict[str, Any]:
        from headrace.infra.frame_pages import page_of
        from headrace.sdk.frames import from_polars

        setattr(opened, "batch_rows", limit)  # noqa: B010 - of the class; no more than is shown is fetched
        found = opened.query(sql, dict(parameters))
        try:
            frame = next(found, None)
        finally:
            found.close()  # type: ignore[attr-defined]
        return page_of(frame, from_polars(frame.schema) if frame is not None else (), limit)

    return await _ask(registry, connector, config, read, token)


def masked(registry: Registry, connector: str, config: Mapping[str, Any], text: str) -> str:
    """A text without the secrets of a config."""
    for value in secrets.values(registry.connector(connector).manifest, config):
        text = text.replace(value, "***")
    return text
