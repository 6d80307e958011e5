"""Rows of earlier steps for templates: read from the stored frame, when a template of a step asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.engine.frame_store import FrameStore
from headrace.engine.messages import SegmentRequest
from headrace.engine.templates import ROWS_SEEN, filled
from headrace.flows.graph import NodeSpec
from headrace.flows.references import NAME, asked
from headrace.sdk.config import Config
from headrace.sdk.errors import ConfigError


def filled_in(node: NodeSpec, shape: type[Config], request: SegmentRequest, store: FrameStore) -> dict[str, Any]:
    """A step's config with its templates filled in.

    Raises:
        ConfigError: naming the field; or the step of which it takes what that cannot give.
    """
    names = asked(node.config, shape)
    if not names:
        return filled(node.config, shape, request.known)
    frames = request.taken.get(node.id, {})
    for name in sorted(names - frames.keys()):
        raise ConfigError(f"no step before this one is called '{name}'; {NAME} takes those that have ended",
                          hint="correct the name in the step's settings")  # fmt: skip
    given = {name: request.inputs[frames[name]] for name in sorted(names) if frames[name] in request.inputs}
    seen = {name: seen_of(store.fetch(ref), ref.rows, ref.offset) for name, ref in given.items()}
    try:
        return filled(node.config, shape, {**request.known, NAME: seen})
    except ConfigError as error:
        gone = ", ".join(f"'{name}'" for name in sorted(names - seen.keys()))
        if gone and not error.hint:
            error.hint = f"{gone} gave no rows here: it failed, or its branch was not taken; test with 'is defined'"
        raise


def seen_of(path: Path, rows: int, offset: int = 0) -> Mapping[str, Any]:
    """What templates see of a stored frame: its first `row`, its first 100 `rows`, and the `count` of all."""
    import polars as pl

    first = pl.scan_parquet(path).slice(offset, min(rows, ROWS_SEEN)).collect().to_dicts()
    return {"row": first[0] if first else {}, "rows": first, "count": rows}
