"""JSON merge patch (RFC 7396): what PATCH does to an object."""

from __future__ import annotations

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` after `patch`: objects merge field by field, null takes a field away, all else replaces.

    Neither argument is changed. Source: RFC 7396, section 2.
    """
    if not isinstance(patch, dict):
        return patch
    before = target if isinstance(target, dict) else {}
    kept = {name: value for name, value in before.items() if name not in patch}
    return kept | {name: merge_patch(before.get(name), value) for name, value in patch.items() if value is not None}
