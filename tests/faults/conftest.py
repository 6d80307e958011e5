"""One stack for all tests of a pytest process: databases of its own, API, two workers, a scheduler; and its client."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from headrace.plugins.manager import Host, load_plugins

from tests.chaos.stack import PLUGINS, Stack, install_lab
from tests.faults.site import Account, Site, new_account, until

_number = itertools.count()
KNOWN = (
    f"{PLUGINS},node-triggers,node-transform,connector-postgresql,connector-rest,connector-local_files,"
    "connector-webhook_out"
)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started at the first use; a test that breaks a part of it has `site` mend it."""
    folder = tmp_path_factory.mktemp("faults")
    folder.chmod(0o711)
    install_lab(folder / "lab")
    stack = Stack(folder, api=True, plugins=KNOWN)
    try:
        stack.start()
        yield stack
    finally:
        stack.end()
        sys.path.remove(str(folder / "lab"))


@pytest.fixture(scope="package")
def account(stack: Stack) -> Account:
    return asyncio.run(new_account(stack))


@pytest.fixture
async def site(stack: Stack, account: Account) -> AsyncIterator[Site]:
    """A client of a stack that is whole; afterwards everything has ended and every invariant holds."""
    folder = stack.folder / f"t{next(_number)}"
    folder.mkdir()
    made = Site(stack, account, folder)
    stack.revive()
    await until(made.ready, what="an API that is ready")
    await made.sign_in()
    try:
        yield made
        assert await made.calm() == []
    finally:
        await made.close()


@pytest.fixture(scope="package")
def host(stack: Stack) -> Host:
    """The plugins of the stack, in this process."""
    return load_plugins(only=KNOWN.split(","), strict=True)
