"""How fast one connection asks: its budgets over all workers, and what the service says in its headers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fractions import Fraction

from headrace.sdk.errors import ConfigError, TransientError
from headrace.sdk.host import ConnectionHost

WAIT_MAX_S = 60.0
"""A longer wait that the service asks for is left to whoever executes us."""
_EPOCH = 1e9
_SECONDS = re.compile(r"-?\d{1,12}(\.\d+)?", re.ASCII)
_BUDGET = re.compile(r"([1-9]\d{0,8})/([smhd])", re.ASCII)
_WINDOWS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LEFT = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_FIELD = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d{1,12})", re.ASCII)


def budgets_of(requests_per_s: float, budget: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """So many requests in so many seconds, for each limit that is declared.

    Raises:
        ConfigError: one cannot be read.
    """
    found = []
    if requests_per_s:
        part = Fraction(requests_per_s).limit_denominator(3_600)
        found.append((max(1, part.numerator), part.denominator if part.numerator else 3_600))
    for text in budget:
        match = _BUDGET.fullmatch(text.replace(" ", ""))
        if match is None:
            raise ConfigError(f"the budget '{text}' cannot be read; write it as in '5000/h', with s, m, h or d")
        found.append((int(match[1]), _WINDOWS[match[2]]))
    return tuple(found)


class Pace:
    """Lets one request after the other through.

    Args:
        budgets: From `budgets_of`.
        host: Counts over all workers; without it this object counts for itself.
        pause: Waits.
    """

    def __init__(
        self, budgets: tuple[tuple[int, int], ...], host: Callable[[], ConnectionHost | None],
        pause: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._budgets = budgets
        self._host = host
        self._pause = pause
        self._full = [0.0] * len(budgets)
        self._blocked = 0.0

    def wait(self) -> None:
        """Return when the next request may go.

        Raises:
            TransientError: that is more than a minute away.
        """
        until_s = self._blocked - time.monotonic()
        if until_s > 0:
            self._sleep(until_s, "it has said so")
        while self._budgets:
            host = self._host()
            wait_s = host.wait_s(self._budgets) if host is not None else self._take()
            if wait_s <= 0:
                return
            self._sleep(wait_s, "its budget is used up")

    def _sleep(self, wait_s: float, why: str) -> None:
        if wait_s > WAIT_MAX_S:
            raise TransientError(
                f"the service may not be asked for {wait_s:.0f} s, {why}; it is tried again then", retry_after_s=wait_s
            )
        self._pause(wait_s)

    def _take(self) -> float:
        """GCRA: a bucket of `most` that fills evenly over its seconds."""
        at = time.monotonic()
        full = [max(begun, at) + per_s / most for begun, (most, per_s) in zip(self._full, self._budgets, strict=True)]
        wait_s = max(begun - at - per_s for begun, (_, per_s) in zip(full, self._budgets, strict=True))
        if wait_s <= 1e-9:
            self._full = full
            return 0.0
        return wait_s

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer that says that nothing is left."""
        left, reset_s = limits_of(headers)
        if left == 0 and reset_s:
            self._blocked = time.monotonic() + reset_s


def limits_of(headers: Mapping[str, str]) -> tuple[int | None, float | None]:
    """Requests left, and seconds until there are more, as the usual headers say it; None where they do not."""
    left = next((headers[name] for name in _LEFT if name in headers), "")
    reset = next((headers[name] for name in _RESET if name in headers), "")
    if not left and "ratelimit" in headers:
        words: dict[str, str] = dict(
            _FIELD.findall(headers["ratelimit"])
        )  # one draft writes whole words, the later one letters
        left, reset = words.get("remaining", words.get("r", "")), words.get("reset", words.get("t", ""))
    count = int(float(left)) if _SECONDS.fullmatch(left.strip()) else None
    return count, retry_after_s(reset)


def retry_after_s(value: str) -> float | None:
    """Seconds of a `Retry-After` or a reset: given as such, as seconds since 1970, or as a date; None if it is none."""
    if _SECONDS.fullmatch(value.strip()):
        number = float(value)
        return max(0.0, number - time.time() if number > _EPOCH else number)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
