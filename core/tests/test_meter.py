"""What a step is measured to take: its own memory, not that of the step before it in the same process."""

from __future__ import annotations

from headrace.engine.meter import Meter

MIB = 2**20


def test_the_peak_is_that_of_the_step():
    meter = Meter()
    rows = bytearray(200 * MIB)
    rows[::4096] = b"1" * len(rows[::4096])  # each page is touched
    large = meter.spent()
    del rows
    small = Meter().spent()
    assert large.memory_peak_bytes is not None
    assert small.memory_peak_bytes is not None
    assert large.memory_peak_bytes - small.memory_peak_bytes > 150 * MIB
    assert large.duration_ms > 0


def test_it_costs_next_to_nothing():
    meter = Meter()
    for _ in range(1_000):
        Meter().spent()
    assert meter.spent().duration_ms < 100
