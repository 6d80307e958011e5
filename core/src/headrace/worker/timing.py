"""Clocks of a worker and of a scheduler; tests shorten them."""

from __future__ import annotations

from msgspec import Struct


class Timing(Struct, frozen=True, kw_only=True):
    """Seconds.

    Attributes:
        lease_s: How long a claim holds without a heartbeat.
        heartbeat_s: Between heartbeats.
        poll_s: Between looks at the database for work whose doorbell did not come.
        cancel_grace_s: From asking a runner to stop to killing it.
        drain_s: How long a stopping worker lets its segments finish before it gives them back.
        reap_s: Between looks for expired leases.
        tick_s: Between looks for due triggers, when nothing wakes the ticker before.
        ring_again_s: After which a ready segment that nobody took is rung again.
    """

    lease_s: float = 15
    heartbeat_s: float = 4
    poll_s: float = 1
    cancel_grace_s: float = 5
    drain_s: float = 10
    reap_s: float = 0.5
    ring_again_s: float = 3
    tick_s: float = 0.5
