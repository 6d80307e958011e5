"""Read the environment of this process, and of it only what the prefix opens."""

from __future__ import annotations

import os
import re
from uuid import UUID

from headrace.sdk import ORGANIZATION, ConfigError, Secret, SecretBackend

from headrace_plugin_secrets_env import EnvConfig

_OURS = "HEADRACE_"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,254}", re.ASCII)


class EnvironmentBackend(SecretBackend[EnvConfig]):
    """Variables of the worker's environment."""

    def __init__(self, config: EnvConfig) -> None:
        super().__init__(config)
        if config.prefix.startswith(_OURS) or _OURS.startswith(config.prefix):
            raise ConfigError(f"the prefix '{config.prefix}' would open our own variables; choose another")

    def read(self, name: str, organization_id: UUID) -> Secret:
        """The variable's value."""
        prefix = self.config.prefix.replace(ORGANIZATION, organization_id.hex.upper())
        if not _NAME.fullmatch(name) or not name.startswith(prefix):
            raise ConfigError(f"'env:{name}' may not be used here; names begin with '{prefix}'")
        value = os.environ.get(name)
        if not value:
            raise ConfigError(f"'env:{name}' is not set where the worker runs; set it, or correct the reference")
        return Secret(value)
