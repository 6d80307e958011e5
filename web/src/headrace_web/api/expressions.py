"""Expressions tried before anything runs: their value for the first row that reaches a step."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.engine import templates
from headrace.engine.references import seen_of
from headrace.executions import pins
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.flows.canvas import graph_of
from headrace.flows.references import NAME
from headrace.infra.expression_trials import Trial, sql_trial, text_trial
from headrace.sdk.errors import ConfigError, NotFound
from headrace.sdk.text import members_of
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.frames import stored_file
from headrace_web.guards import permission


class TrialBody(ApiStruct):
    """An expression: `sql` over the columns of a step's stored rows, or a text with `{{ ... }}` in it."""

    text: Annotated[str, Meta(max_length=20_000)]
    language: Literal["sql", "text"] = "sql"
    node_id: Annotated[str, Meta(max_length=100)] = ""
    port: Annotated[str, Meta(max_length=100)] = "out"


class ExpressionsController(Controller):
    """Expressions of a flow's steps."""

    path = "/flows/{flow_id:uuid}/expressions"
    tags = ("flows",)

    @post("/try", opt=permission("flow:read"), status_code=200)
    async def try_expression(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[TrialBody]
    ) -> Envelope[Trial]:
        """The value of an expression for the first row that a step gave: the pinned one, or the newest stored."""
        async with ctx.transaction() as session:
            flow = await flows.get(session, ctx.actor, flow_id)
            found = None
            if data.language == "sql" and data.node_id:
                pinned = await pins.find(session, ctx.organization_id, flow_id, data.node_id)
                found = await executions.latest_output(session, ctx.organization_id, flow_id, data.node_id)
                if pinned:
                    found = executions.NodeOutput(pinned[0].execution_id, pinned[0].outputs)
            event = await executions.latest_input(session, ctx.organization_id, flow_id)
            steps = await _steps(session, ctx, flow_id, data.text) if data.language == "text" else {}
        known = templates.known(flow.variables, str(found.execution_id if found else UUID(int=0)), event)
        if data.language == "text":
            if steps:
                known[NAME] = await asyncio.to_thread(_seen, ctx, steps)
            return ok(await asyncio.to_thread(text_trial, data.text, known))
        del known["input"]
        try:
            path, columns = stored_file(ctx, found, data.port)
        except NotFound:
            path, columns = None, ()
        return ok(await asyncio.to_thread(sql_trial, data.text, known, path, columns))


async def _steps(
    session: AsyncSession, ctx: Context, flow_id: UUID, text: str
) -> dict[str, executions.NodeOutput | None]:
    """What the steps that a text names gave: pinned, or newest stored."""
    try:
        names = members_of(text, NAME)
    except ConfigError:  # whoever fills it in says what is wrong
        return {}
    if not names:
        return {}
    graph = graph_of((await flows.get_data(session, ctx.actor, flow_id)).definition)
    ids = {**{node.label: node.id for node in graph.nodes if node.label}, **{node.id: node.id for node in graph.nodes}}
    found: dict[str, executions.NodeOutput | None] = {}
    for name in sorted(names & ids.keys()):
        pinned = await pins.find(session, ctx.organization_id, flow_id, ids[name])
        found[name] = (
            executions.NodeOutput(pinned[0].execution_id, pinned[0].outputs) if pinned
            else await executions.latest_output(session, ctx.organization_id, flow_id, ids[name])
        )  # fmt: skip
    return found


def _seen(ctx: Context, steps: dict[str, executions.NodeOutput | None]) -> dict[str, Any]:
    """Their rows; a step that has stored none is left out."""
    seen: dict[str, Any] = {}
    for name, found in steps.items():
        port = next((port for port in (found.outputs if found else {}) if port != "error"), "out")
        with suppress(NotFound):
            path, _ = stored_file(ctx, found, port)
            seen[name] = seen_of(path, found.outputs[port].rows if found else 0)
    return seen
