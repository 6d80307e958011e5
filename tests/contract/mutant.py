"""A mutant: the tiny connector with one promise broken, and the rules that must notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from headrace.sdk import ConnectorManifest, lazy
from msgspec import Struct

from . import tiny
from .tiny.connector import TinyConnector

MUTANTS: dict[str, Mutant] = {}
Class = TypeVar("Class", bound=type)


class Mutant(Struct, frozen=True, kw_only=True):
    """One broken promise.

    Attributes:
        rules: The rules that fail, and no others.
        connector: The class.
        manifest: Changes to the declaration.
        module: Where the declaration is.
        remote: Behind the loopback server.
        slow: Only the slow rules are tried.
    """

    name: str
    rules: frozenset[str]
    connector: type = TinyConnector
    manifest: Mapping[str, Any] = {}
    module: str = tiny.__name__
    remote: bool = False
    slow: bool = False

    def declared(self) -> ConnectorManifest:
        """The manifest."""
        work = lazy(f"{self.connector.__module__}:{self.connector.__qualname__}")
        return tiny.manifest(**{"factory": work, **self.manifest})


def declares(name: str, *rules: str, **given: Any) -> None:
    """Add a mutant that is wrong in its declaration."""
    MUTANTS[name] = Mutant(name=name, rules=_named(rules), **given)


def breaks(*rules: str, **given: Any) -> Callable[[Class], Class]:
    """Add a class as a mutant."""

    def added(kind: Class) -> Class:
        MUTANTS[kind.__name__] = Mutant(name=kind.__name__, rules=_named(rules), connector=kind, **given)
        return kind

    return added


def _named(rules: tuple[str, ...]) -> frozenset[str]:
    return frozenset(f"test_{rule}" for rule in rules)
