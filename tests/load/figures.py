"""Figures of a scenario: printed, one a line, and kept for `docs/TRUST.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.trust import record


class Line(Struct, frozen=True):
    """One figure: all its values, or one."""

    name: str
    title: str
    unit: str
    values: tuple[float, ...]


class Figures:
    """What one scenario found."""

    def __init__(self, scenario: str, size: str, *, keep: bool) -> None:
        self.scenario, self.size, self._keep = scenario, size, keep
        self.lines: list[Line] = []

    def say(self, name: str, title: str, unit: str, *values: float) -> None:
        """Print a figure; of several values their p50, p95 and p99."""
        self.lines.append(Line(name, title, unit, values))
        if len(values) == 1:
            told = f"{values[0]:,.4g}" if isinstance(values[0], float) else f"{values[0]:,}"
        else:
            told = " / ".join(f"{quantile(values, q):,.4g}" for q in (0.5, 0.95, 0.99))
            title += ": p50 / p95 / p99"
        print(f"{self.scenario:<11}{title:<58}{told:>24} {unit}", flush=True)
        if self._keep:
            record(f"load.{self.scenario}.{name}", values, title=f"{self.scenario}: {title}", unit=unit, size=self.size)

    def cpu(self, seconds: Mapping[str, float], parts: int, what: str) -> None:
        """Print what CPU time a part took, in all and by kind of process."""
        self.say("cpu", f"CPU time, per {what}", "ms", sum(seconds.values()) / parts * 1000)
        for kind, took_s in sorted(seconds.items()):
            self.say(f"cpu_{kind}", f"of it in {kind}", "ms", took_s / parts * 1000)

    def __getitem__(self, name: str) -> tuple[float, ...]:
        return next(line.values for line in self.lines if line.name == name)


def quantile(values: Sequence[float], q: float) -> float:
    """The value below which this part of them is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
