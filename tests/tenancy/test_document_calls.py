"""The API answers what its document says, whatever is sent: no server error, no answer that is not declared."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
from headrace_web import limits

from tests.tenancy.calls import Caller
from tests.tenancy.things import side_of
from tests.tenancy.world import open_site

TODAY = datetime.now(UTC).toordinal()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(("examples", "least"), [(1, 250), (40, 8_000)])
def test_every_answer_is_declared(headrace_settings, plugin_host, monkeypatch, told, examples, least):
    async def once(*_: object) -> int:
        return 1

    monkeypatch.setattr(limits, "_count", once)
    started = time.monotonic()
    with asyncio.Runner() as runner:
        opened = open_site(headrace_settings, plugin_host)
        site = runner.run(opened.__aenter__())
        side = runner.run(side_of(site, "documented"))
        caller = Caller(site, runner.get_loop(), side)
        caller.call_all(examples=examples, number=TODAY)
        runner.run(opened.__aexit__(None, None, None))
    errors = sum(count for status, count in caller.statuses.items() if status >= 500)
    good = sum(count for status, count in caller.statuses.items() if status < 300)
    calls = caller.statuses.total()
    figures = {"calls": calls, "calls_server_errors": errors, "calls_undeclared": len(caller.wrong)}
    told(
        f"document: {calls} calls (number {TODAY}), {good} good, {errors} server errors, {len(caller.wrong)} answers "
        f"that are not declared, {time.monotonic() - started:.0f} s",
        **(figures if examples > 1 else {}),
    )
    assert not caller.wrong, "\n\n".join(f"{name}: {text}" for name, text in caller.wrong.items())
    assert calls >= least
    assert good > calls // 8
    assert caller.statuses[401] < calls // 10, "the caller stays signed in"
