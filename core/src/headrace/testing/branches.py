"""The tables of the installed plugins, as the databases of tests have them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.sdk.manifests import MigrationBranch


@cache
def branches() -> tuple[MigrationBranch, ...]:
    """Their migration branches."""
    from headrace.plugins.manager import load_plugins

    return tuple(load_plugins().registry.migrations.values())
