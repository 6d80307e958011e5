"""Nodes that choose a way, and the one that brings ways together."""

from __future__ import annotations

from headrace.sdk import Node, NodeContext
from headrace.sdk.expressions import condition
from headrace.sdk.frames import Frame, Frames, columns, many, nw

from headrace_node_control.configs import IfConfig, MergeConfig, SwitchConfig


def holds(frame: Frame, where: str, field: str = "where") -> nw.Expr:
    """Whether the condition is true; null is false, so that no row is lost."""
    return nw.when(condition(where, columns(frame), field)).then(nw.lit(True)).otherwise(nw.lit(False))


def matches(ctx: NodeContext, frame: Frame, where: str, field: str = "where") -> int:
    """How many rows meet the condition."""
    return ctx.engine.count(frame.filter(holds(frame, where, field)))


class If(Node[IfConfig]):
    """One of two ways."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `true` and `false` for rows, one of them for a table."""
        frame, config = inputs["in"], self.config
        if config.decide == "rows":
            test = holds(frame, config.where)
            return {"true": frame.filter(test), "false": frame.filter(~test)}
        found = matches(ctx, frame, config.where)
        wanted = {"any": found > 0, "every": found == ctx.input_rows(), "empty": found == 0}[config.decide]
        ctx.log(f"{found:,} of {ctx.input_rows():,} rows meet the condition: {'true' if wanted else 'false'}")
        return {"true" if wanted else "false": frame}


class Switch(Node[SwitchConfig]):
    """One of several ways."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return each case that is taken, and `default`."""
        frame, cases = inputs["in"], self.config.cases
        if self.config.decide == "any":
            for number, case in enumerate(cases, 1):
                if matches(ctx, frame, case.where, "cases"):
                    return {f"case_{number}": frame}
            return {"default": frame}
        made: dict[str, Frame] = {}
        rest = frame
        for number, case in enumerate(cases, 1):
            test = holds(rest, case.where, "cases")
            made[f"case_{number}"], rest = rest.filter(test), rest.filter(~test)
        return made | {"default": rest}


class Merge(Node[MergeConfig]):
    """Ways together."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the rows of the branches that have come."""
        frames = list(many(inputs, "in").values())
        return {"out": frames[0] if len(frames) == 1 else nw.concat(frames, how="diagonal")}
