"""How often something may be done: rates by class, and the algorithm that keeps them, in Redis and without it.

A bucket of `most` is full at first and fills evenly over the window (GCRA): so many at once, then one as often as the
window allows, at no edge more. A refused call takes nothing.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from headrace.sdk.errors import ConfigError

WINDOWS = {"s": 1, "m": 60, "h": 3_600}
STRICTER = 4
"""Without Redis a process allows this part of a rate: it does not know what the others do."""
KEEP = 20_000
_RATE = re.compile(r"([a-z_]+)=(\d{1,9})/([smh])\Z")

SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local cost, allowed, found = tonumber(ARGV[#ARGV]), 1, {}
for i, key in ipairs(KEYS) do
  local every, most = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local wait = full + every * cost - now - every * most
  if wait > 0 then allowed = 0 end
  found[i] = {full, every, most, wait}
end
local out = {allowed}
for i, key in ipairs(KEYS) do
  local full, every, most, wait = unpack(found[i])
  if allowed == 1 and cost > 0 then
    full = full + every * cost
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
  end
  out[#out + 1] = math.floor((every * most - (full - now)) / every)
  out[#out + 1] = math.ceil((full - now) / 1000)
  out[#out + 1] = math.ceil(math.max(wait, 0) / 1000)
end
return out
"""
"""Takes one from every bucket, or from none. Returns whether it did; of each what is left, ms to full, ms to wait."""


class Rate(Struct, frozen=True):
    """So many in a window; 0 is any number."""

    most: int
    per_s: int

    @property
    def every_us(self) -> int:
        """Microseconds in which one comes back."""
        return max(1, self.per_s * 1_000_000 // max(1, self.most))


RATES: Mapping[str, Rate] = {
    "anonymous": Rate(50, 3_600),
    "user": Rate(10_000, 3_600),
    "route": Rate(300, 60),
    "sign_in": Rate(600, 3_600),
    "webhook": Rate(60_000, 60),
    "signed": Rate(600, 60),
    "static": Rate(6_000, 60),
    "health": Rate(6_000, 60),
}
"""By class: of an address, but `user` of a user or key where the plan has no `api_requests`, and `route` of a user or
key at one operation. Attempts to sign in are counted besides (`headrace_web.limits`)."""


class Bucket(Struct, frozen=True):
    """Whose calls are counted together, and how many there may be."""

    key: str
    rate: Rate


class Verdict(Struct, frozen=True):
    """Whether a call may go on; and of the fullest bucket how many are left, and when it is empty again."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: float
    retry_after_s: float = 0.0


ANY = Verdict(allowed=True, limit=0, remaining=0, reset_s=0.0)


def rates_of(given: Sequence[str]) -> dict[str, Rate]:
    """The usual rates with those that the settings change.

    Raises:
        ConfigError: one cannot be read.
    """
    rates = dict(RATES)
    for text in given:
        match = _RATE.match(text.replace(" ", ""))
        if match is None or match[1] not in RATES:
            raise ConfigError(
                f"HEADRACE_RATE_LIMITS has '{text}'; write e.g. anonymous=100/h, of {', '.join(RATES)} and s, m or h",
                variable="HEADRACE_RATE_LIMITS",
            )
        rates[match[1]] = Rate(int(match[2]), WINDOWS[match[3]])
    return rates


def verdict(buckets: Sequence[Bucket], answer: Sequence[int]) -> Verdict:
    """What the script says of these buckets."""
    seen = [
        (answer[1 + 3 * i], answer[2 + 3 * i] / 1000, answer[3 + 3 * i] / 1000, bucket.rate.most)
        for i, bucket in enumerate(buckets)
    ]
    left, reset_s, _, most = min(seen)
    return Verdict(bool(answer[0]), most, max(0, left), reset_s, max(wait for _, _, wait, _ in seen))


class Local:
    """The same in the memory of one process, and stricter."""

    def __init__(self) -> None:
        self._full: OrderedDict[str, float] = OrderedDict()

    def take(self, buckets: Sequence[Bucket], *, cost: int = 1) -> Verdict:
        """Take one of each, or of none."""
        at = time.monotonic() * 1_000_000
        rates = [Rate(max(1, bucket.rate.most // STRICTER), bucket.rate.per_s) for bucket in buckets]
        full = [max(self._full.get(bucket.key, at), at) for bucket in buckets]
        waits = [begun + rate.every_us * (cost - rate.most) - at for begun, rate in zip(full, rates, strict=True)]
        allowed = max(waits) <= 0
        if allowed and cost:
            full = [begun + rate.every_us * cost for begun, rate in zip(full, rates, strict=True)]
            for bucket, begun in zip(buckets, full, strict=True):
                self._full[bucket.key] = begun
                self._full.move_to_end(bucket.key)
            while len(self._full) > KEEP:
                self._full.popitem(last=False)
        answer = [int(allowed)]
        for begun, rate, wait in zip(full, rates, waits, strict=True):
            answer += [
                int((rate.every_us * rate.most - (begun - at)) // rate.every_us),
                int((begun - at) / 1000),
                int(max(0, wait) / 1000),
            ]
        stricter = [Bucket(bucket.key, rate) for bucket, rate in zip(buckets, rates, strict=True)]
        return verdict(stricter, answer)
