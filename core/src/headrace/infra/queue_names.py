"""Names of queues: classes of work, and labels of chosen workers."""

from __future__ import annotations

import re

from headrace.sdk.errors import ConfigError

QUEUES = ("light", "io", "heavy", "ai", "reports")
"""Classes of work: `io` only waits for others, `heavy` says so itself, `light` is the rest. A pool of workers may
listen to some of them only. Beside them, `label:NAME` for chosen workers."""
WAITS = "io"
"""The queue whose segments share runners."""
_LABEL = re.compile(r"label:[a-z0-9][a-z0-9._-]{0,49}")


def checked_queue(name: str) -> str:
    """The name, if it is one of a queue.

    Raises:
        ConfigError: it is not.
    """
    if name in QUEUES or _LABEL.fullmatch(name):
        return name
    raise ConfigError(f"there is no queue '{name[:80]}'; choose {', '.join(QUEUES)}, or label:NAME", field="queue")
