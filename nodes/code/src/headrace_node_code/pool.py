"""Processes of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from headrace.sdk import PluginError

if TYPE_CHECKING:
    from pydantic_monty import Monty

GRACE_S: Final = 1.0
"""How long after its time a process that does not stop by itself is ended."""


@contextmanager
def pool(seconds: float) -> Iterator[Monty]:
    """One process of the sandbox, ended on leaving.

    Args:
        seconds: Time of one call; a process that takes a second longer is ended.

    Raises:
        PluginError: the sandbox is not installed, or does not start.
    """
    from pydantic_monty import Monty, MontyError

    workers = Monty(
        min_processes=1, max_processes=1, checkout_timeout=30.0, request_timeout=seconds + GRACE_S,
        feed_duration_limit_grace=GRACE_S,
    )  # fmt: skip
    try:
        workers.__enter__()
    except (OSError, RuntimeError, MontyError) as error:
        raise PluginError(
            "the Python sandbox does not start on this machine; install the package pydantic-monty-runtime again",
            detail=str(error), plugin="code", distribution="headrace-node-code",
        ) from None  # fmt: skip
    try:
        yield workers
    finally:
        workers.__exit__(None, None, None)


def confine(pid: int | None, memory: int, seconds: float) -> None:
    """Bound the process from outside as well, where the system can: address space, processor time, core files.

    A process whose runner was killed ends by its processor time at the latest.
    """
    import resource

    if pid is None or not hasattr(resource, "prlimit"):
        return
    cpu = int(seconds) + 10
    bounds = {
        resource.RLIMIT_AS: (1 << 30) + 4 * memory,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in bounds.items():
        with suppress(PermissionError, ProcessLookupError, ValueError):
            resource.prlimit(pid, kind, (most, most))
