"""Flows of another system that are brought here (capability SYNC_FLOWS): as it tells them, and what became of them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Became = Literal["mapped", "check", "placeholder", "left_out"]


class ForeignFlow(Struct, frozen=True, kw_only=True):
    """A flow as the other system tells it.

    Attributes:
        id: Its id there.
        calls: Ids there of the flows that it calls.
        fingerprint: While this text is the same, the flow there has not changed.
        content: For `converted`.
        problem: Why it cannot be read; one sentence.
    """

    id: str
    name: str = ""
    calls: tuple[str, ...] = ()
    fingerprint: str = ""
    content: Any = None
    problem: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """What became of one step.

    Attributes:
        step: As it is called there.
        source: Its type there.
        became: `mapped` does the same; `check` does it with the differences in `notes`, or something is to be entered;
            `placeholder` keeps what was there and does nothing; `left_out` is not needed here.
        node_id: The step here; empty when there is none.
        type: Its type here.
        notes: One sentence each.
    """

    step: str
    source: str
    became: Became
    node_id: str = ""
    type: str = ""
    notes: tuple[str, ...] = ()


class ConvertedFlow(Struct, frozen=True, kw_only=True):
    """A flow as it is here.

    Attributes:
        definition: A canvas.
        findings: One for each step there, in their order.
    """

    definition: dict[str, Any]
    findings: tuple[Finding, ...]
    description: str = ""
