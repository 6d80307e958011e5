"""Rules of the contract that a connector whose streams are not listed cannot be held to."""

from __future__ import annotations

_RULES = (
    "test_discover_is_sorted_unique_and_stable", "test_frames_have_the_declared_schema",
    "test_columns_come_in_the_order_asked", "test_an_abandoned_read_leaves_it_usable",
    "test_a_read_is_cancelled_between_frames", "test_keys_are_unique_and_filled",
    "test_opens_a_new_link_after_a_dropped_one",
)  # fmt: skip


def no_streams(why: str, **more: str) -> dict[str, str]:
    """`skip_reasons` of such a connector.

    Args:
        why: Why nothing is listed, and which tests read instead.
        more: Reasons for further rules.
    """
    return {**dict.fromkeys(_RULES, why), **more}
