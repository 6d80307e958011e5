"""One large execution: many nodes, many items, many rounds, many flows."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.flows.text import FlowText

from tests.load import cpu, flows
from tests.load.figures import Figures
from tests.load.site import Site, measured


def layered(figures: Figures, scale: float) -> list[str]:
    """Layers of steps that each want two frames of the layer before."""
    layers, width = max(4, int(200 * scale**0.5)), max(3, int(50 * scale**0.5))
    return _one(figures, [flows.layered(layers, width)], layers * width, "node")


def for_each(figures: Figures, scale: float) -> list[str]:
    """A loop; each item is an execution."""
    items = max(20, int(10_000 * scale))
    return _one(figures, [flows.for_each(items, parallel=100)], items, "item")


def rounds(figures: Figures, scale: float) -> list[str]:
    """A loop to its limit, round after round."""
    number = max(5, int(1_000 * scale))
    return _one(figures, [flows.rounds(number)], number, "round")


def subflows(figures: Figures, scale: float) -> list[str]:
    """A tree of calls five deep; each is an execution."""
    width = 3 if scale > 0.5 else 1
    return _one(figures, flows.tree(5, width), sum(width**level for level in range(6)), "call")


def _one(figures: Figures, texts: Sequence[FlowText], parts: int, what: str) -> list[str]:
    async def work(site: Site) -> None:
        brought = [await site.bring_in(text) for text in texts]
        before = cpu.used()
        await site.accept(brought[-1])
        seen = await site.until_ended()
        figures.cpu(cpu.used() - before, parts, what)
        figures.say("parts", f"{what}s", f"{what}s", parts)
        figures.say("took", "accepted to ended", "s", seen.took_s)
        figures.say("each", f"per {what}", "ms", seen.took_s / parts * 1000)
        figures.say("failed", "failed", "executions", seen.failed)
        figures.say("connections", "PostgreSQL connections, most", "connections", seen.connections)

    return measured(work)
