"""A tiny, honest connector over an SQLite file, here or behind a loopback server; mutants break its promises."""

from typing import Annotated, Any

from headrace.sdk import (
    Action,
    Capability,
    Config,
    ConnectorManifest,
    Effect,
    Field,
    Secret,
    TableOptions,
    hookimpl,
    lazy,
)


class TinyConfig(Config, kw_only=True):
    """Where it is; with a port it is behind the server."""

    path: Annotated[str, Field("File", "Path of the file.", options_from="choices")]
    password: Annotated[Secret, Field("Password", "Written in the file.")]
    host: Annotated[str, Field("Host", "Of the server.")] = ""
    port: Annotated[int, Field("Port", "Of the server; 0 opens the file itself.")] = 0


class City(Config):
    """Input of the action, and its answer."""

    name: Annotated[str, Field("Name", "Of the city.")]


def manifest(**changes: Any) -> ConnectorManifest:
    """The declaration, with what a mutant changes."""
    given: dict[str, Any] = {
        "id": "tiny", "title": "Tiny", "summary": "A file for tests", "category": "database", "config": TinyConfig,
        "factory": lazy(f"{__name__}.connector:TinyConnector"), "write_options": TableOptions,
        "capabilities": frozenset(Capability) - {Capability.MESSAGES, Capability.SYNC_FLOWS},  # see their own tests
        "actions": (Action(id="add_city", title="Add a city", input=City, output=City, effect=Effect.CREATE),),
    }  # fmt: skip
    return ConnectorManifest(**{**given, **changes})


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [manifest()]
