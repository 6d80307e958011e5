"""How `pytest -n` shares tests out: those of a file, and of a folder with an install of its own, stay together."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling  # type: ignore[import-untyped]

TOGETHER = ("tests/bad_input/", "tests/e2e/", "tests/faults/")
"""Folders whose fixtures take longer than most of their tests."""


def pytest_configure() -> None:
    """Examples take as long as the machine needs."""
    from hypothesis import HealthCheck, settings

    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """What is there now stays: the collector walks it no more, which took a tenth of the processor."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Groups in the order of collection: the long ones, which are in `tests`, first."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return next((folder for folder in TOGETHER if path.startswith(folder)), path)

    config.option.loadscopereorder = False
    return Together(config, log)
