"""Workers put secrets in the place of references, as the operator's file allows."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import structs

from headrace.connections.addresses import hosts
from headrace.connections.references import put, references
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.config import Secret, parse_config
from headrace.sdk.errors import ConfigError
from headrace.sdk.secrets import SecretBackend, SecretBackendConfig

KEPT_S = 30.0
SETTING = "HEADRACE_SECRETS_FILE"


class Resolver:
    """Reads secrets through the backends; serves any thread.

    Args:
        registry: The plugins.
        file: The operator's file: a section for each backend that may be used. Read at first use.
    """

    def __init__(self, registry: Registry, file: str) -> None:
        self._registry = registry
        self._file = file
        self._backends: dict[str, SecretBackend[Any]] = {}
        self._kept: dict[tuple[str, UUID], tuple[float, Secret]] = {}
        self._lock = threading.Lock()

    def refers(self, specs: Mapping[str, ConnectionSpec]) -> bool:
        """Whether there is anything to resolve."""
        return any(references(self._registry.connector(one.connector).manifest, one.config) for one in specs.values())

    def resolve(self, specs: dict[str, ConnectionSpec], organization_id: UUID) -> dict[str, ConnectionSpec]:
        """The same connections, with secrets for references.

        Raises:
            ConfigError: a reference is not allowed or leads nowhere; it names connection and reference.
            AuthError, TransientError: a backend refuses us, or does not answer.
        """
        return {name: self._filled(name, spec, organization_id) for name, spec in specs.items()}

    def _filled(self, name: str, spec: ConnectionSpec, organization_id: UUID) -> ConnectionSpec:
        manifest = self._registry.connector(spec.connector).manifest
        wanted = references(manifest, spec.config)
        if not wanted:
            return spec
        values = {}
        for path, found in wanted.items():
            backend = self._backend(found)
            allowed = {host.lower() for host in backend.config.hosts}
            strange = sorted(hosts(manifest, spec.config) - allowed) if allowed else []
            if strange:
                raise ConfigError(
                    f"the connection '{name}' takes '{path}' from '{found}', which may not be sent to '{strange[0]}'; "
                    f"an operator adds it to `hosts` of the section in {SETTING}",
                    field=path,
                )
            values[path] = self._read(backend, found, organization_id).reveal()
        return structs.replace(spec, config=put(manifest, spec.config, values))

    def _read(self, backend: SecretBackend[Any], found: str, organization_id: UUID) -> Secret:
        at = time.monotonic()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > at}
            kept = self._kept.get((found, organization_id))
        if kept is not None:
            return kept[1]
        secret = backend.read(found.partition(":")[2], organization_id)
        with self._lock:
            self._kept[found, organization_id] = (at + KEPT_S, secret)
        return secret

    def _backend(self, found: str) -> SecretBackend[Any]:
        """The backend of a reference, opened at its first use."""
        kind = found.partition(":")[0]
        with self._lock:
            if kind not in self._backends:
                manifest = self._registry.secrets.get(kind)
                if manifest is None:
                    raise ConfigError(
                        f"'{found}' needs a secret backend '{kind}'; install headrace-plugin-secrets-{kind}",
                        problem="plugin_missing",
                    )
                self._backends[kind] = manifest.open(self._section(kind, found, manifest.config))
            return self._backends[kind]

    def _section(self, kind: str, found: str, config: type[SecretBackendConfig]) -> SecretBackendConfig:
        try:
            sections = tomllib.loads(Path(self._file).read_text(encoding="utf-8")) if self._file else {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(
                f"the file of {SETTING} cannot be read; an operator corrects it", detail=type(error).__name__
            ) from None
        if kind not in sections:
            raise ConfigError(
                f"'{found}' may not be used here; an operator allows it in a section [{kind}] of {SETTING}"
            )
        try:
            return parse_config(config, sections[kind])
        except ConfigError as error:
            raise ConfigError(f"section [{kind}] of {SETTING}: {error.message}") from None
