"""A directory calls us; there is nobody to call, and nothing to configure beside whom it may speak for."""

from __future__ import annotations

from headrace.sdk import AuthProvider, Config


class ScimDirectory(AuthProvider[Config]):
    """Kind `directory`."""

    def check(self) -> None:
        """Nothing can be wrong before the directory calls."""
