"""Secret backends: where a connection's secret is when it is not in the connection. Read by workers only.

A field then holds a reference, `{"secret": "<backend>:<name>"}`. What may be referred to is said by the operator, in
the backend's section of `HEADRACE_SECRETS_FILE`; without a section a backend gives nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from headrace.sdk.config import Config, Field, Secret
from headrace.sdk.manifests import Lazy

ORGANIZATION = "{organization}"
"""In a prefix or folder of a section it stands for the id of the organization that asks."""


class SecretBackendConfig(Config):
    """Base of a backend's section."""

    hosts: Annotated[
        tuple[str, ...], Field("Hosts", "Its secrets go to connections with these hosts only; empty is all.")
    ] = ()


BackendConfigT = TypeVar("BackendConfigT", bound=SecretBackendConfig)


class SecretBackend(ABC, Generic[BackendConfigT]):
    """Reads secrets. Serves any thread; what it reads is kept for some seconds by its caller."""

    def __init__(self, config: BackendConfigT) -> None:
        self.config = config

    @abstractmethod
    def read(self, name: str, organization_id: UUID) -> Secret:
        """The secret of that name, if the organization may have it.

        Raises:
            ConfigError: it may not, or there is none. The message names the reference, never a value.
            AuthError: the backend refuses our own credentials.
            TransientError: the backend does not answer.
        """


class SecretBackendManifest(Struct, frozen=True, kw_only=True):
    """A secret backend.

    Attributes:
        config: Its section in the operator's file.
        factory: The `SecretBackend` class.
    """

    id: str
    title: str
    config: type[SecretBackendConfig]
    factory: Lazy
    summary: str = ""

    def open(self, config: SecretBackendConfig) -> SecretBackend[Any]:
        """The backend itself."""
        made: SecretBackend[Any] = self.factory.load()(config)
        return made
