"""The site of the proofs: the real application on a real database, with nobody slowed down."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable

import pytest
from argon2 import PasswordHasher
from headrace.accounts import passwords
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from headrace_web import limits

from tests.tenancy.world import Site, open_site
from tests.trust import record


@pytest.fixture(scope="session")
def plugin_host() -> Host:
    return load_plugins()


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
async def site(headrace_settings: Settings, plugin_host: Host, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async def once(*_: object) -> int:
        return 1

    monkeypatch.setattr(limits, "_count", once)  # thousands of calls come from one address
    async with open_site(headrace_settings, plugin_host) as opened:
        yield opened


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print a sentence past pytest's capture; with HEADRACE_TEST_RECORD its figures go to the page of trust."""

    def say(sentence: str, **figures: int) -> None:
        with capsys.disabled():
            print(f"\n  {sentence}")
        if os.environ.get("HEADRACE_TEST_RECORD"):
            for name, value in figures.items():
                title = name.replace("_", " ").capitalize()
                record(f"security.{name}", [value], title=title, unit="count", size=sentence)

    return say
