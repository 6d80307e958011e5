"""Fixtures of executions and triggers: the lab's nodes, installed as a distribution on the path of this process."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from headrace.accounts import passwords
from headrace.testing.processes import installed, until


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing at full cost would take most of the time of tests with people."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Path]:
    """The folder on the path."""
    folder = installed(Path(__file__).parent / "executions" / "lab.py", tmp_path_factory.mktemp("lab"), name="node-lab")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def wait_until() -> Callable[..., Awaitable[Any]]:
    """`until`, for tests."""
    return until
