"""What becomes of due instants: misfire policies, against a model that counts one by one."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from headrace.triggers.plan import WALK, plan
from hypothesis import given
from hypothesis import strategies as st

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def every(seconds: int):
    def next_fire(after: datetime) -> datetime:
        step = timedelta(seconds=seconds)
        return EPOCH + ((after - EPOCH) // step + 1) * step

    return next_fire


@given(st.integers(1, 90), st.integers(0, 3_000), st.sampled_from(["skip", "coalesce", "run_all"]), st.integers(1, 60))
def test_no_instant_is_lost_or_doubled(step, late, misfire, limit):
    first = EPOCH + timedelta(seconds=step)
    now = first + timedelta(seconds=late)
    due, following = plan(every(step), first, now, misfire=misfire, grace_s=60, covered=EPOCH, limit=limit)
    expected = late // step + 1
    assert sum(tick.missed + 1 for tick in due) == (min(expected, limit) if misfire == "run_all" else expected)
    assert [tick.fire_at for tick in due] == sorted({tick.fire_at for tick in due})
    assert due[0].covers_from == EPOCH
    assert all(a.fire_at == b.covers_from for a, b in itertools.pairwise(due))
    assert following == every(step)(due[-1].fire_at)
    if misfire != "run_all":
        assert following > now
        newest_is_late = now - due[-1].fire_at > timedelta(seconds=60)
        assert due[0].starts == (misfire == "coalesce" or not newest_is_late)


@pytest.mark.parametrize("misfire", ["skip", "coalesce"])
def test_a_year_of_seconds_is_passed_over_at_once(misfire):
    asked = 0
    step = every(1)

    def next_fire(after):
        nonlocal asked
        asked += 1
        return step(after)

    now = EPOCH + timedelta(days=365, milliseconds=300)
    due, following = plan(next_fire, EPOCH + timedelta(seconds=1), now, misfire=misfire, grace_s=60, covered=EPOCH)
    assert [tick.fire_at for tick in due] == [EPOCH + timedelta(days=365)]
    assert following == EPOCH + timedelta(days=365, seconds=1)
    assert due[0].missed >= WALK
    assert asked < 2 * WALK
