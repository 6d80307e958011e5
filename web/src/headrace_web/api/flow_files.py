"""Versions of flows, and flows as files."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.connections import service as connections
from headrace.entitlements import service as entitlements
from headrace.executions.admission import policy_of
from headrace.flows import files, text, versions
from headrace.flows import service as flows
from headrace.flows.canvas import canvas_of
from headrace.flows.problems import FlowProblem
from headrace.flows.validate import validate
from headrace.triggers import declared
from headrace.triggers import service as triggers
from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.api.flows import FlowOut, checked_name, make
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, base_version, ok, shown
from headrace_web.guards import permission, scoped


class VersionOut(Struct, kw_only=True):
    """A checked-in version."""

    flow_id: UUID
    number: int
    name: str
    change_summary: str
    content_hash: str
    created_by: UUID | None
    created_at: datetime


class VersionBody(ApiStruct):
    """What the version is about."""

    name: str = ""
    change_summary: str = ""


class ImportBody(ApiStruct):
    """A flow in its text form."""

    text: str
    workspace_id: UUID | None = None
    folder_id: UUID | None = None
    name: str = ""


class TextBody(ApiStruct):
    """The flow's changed text; with `dry_run` nothing is saved, and the answer says what would be wrong with it."""

    text: str
    row_version: int | UnsetType = UNSET
    dry_run: bool = False


class TextOut(Struct, kw_only=True):
    """What the text means: everything that is wrong with it, and the version of the canvas to build on."""

    problems: list[FlowProblem]
    row_version: int


class FlowFilesController(Controller):
    """Versions, import and export."""

    path = "/flows"
    tags = ("flow files",)

    @get("/{flow_id:uuid}/versions", opt=permission("version:read"))
    async def list_versions(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Envelope[list[VersionOut]]:
        """Versions, newest first."""
        async with ctx.transaction() as session:
            return ok([shown(VersionOut, row) for row in await versions.list_(session, ctx.actor, flow_id)])

    @post("/{flow_id:uuid}/versions", opt=permission("version:create"))
    async def check_in(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[VersionBody]
    ) -> Envelope[VersionOut]:
        """Make the canvas a version."""
        async with ctx.transaction() as session:
            row = await versions.check_in(
                session, ctx.actor, flow_id, name=data.name, change_summary=data.change_summary
            )
            return ok(shown(VersionOut, row))

    @get("/{flow_id:uuid}/versions/{number:int}", opt=permission("version:read"))
    async def get_version(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], number: FromPath[int]
    ) -> Envelope[dict[str, Any]]:
        """What a version holds."""
        async with ctx.transaction() as session:
            found = await versions.definition(session, ctx.actor, flow_id, number)
            return ok({"number": number, "content_hash": found.content_hash, "definition": found.definition})

    @post("/{flow_id:uuid}/versions/revert/{number:int}", opt=permission("version:create"))
    async def revert(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], number: FromPath[int]
    ) -> Envelope[VersionOut]:
        """Put a version back on the canvas, as a new version."""
        async with ctx.transaction() as session:
            version = await versions.revert(session, ctx.actor, flow_id, number)
            await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id)
            return ok(shown(VersionOut, version))

    @post("/import", opt=scoped("flow:create"))
    async def import_flow(self, ctx: NamedDependency[Context], data: JSONBody[ImportBody]) -> Envelope[FlowOut]:
        """Make a flow from its text form. Connections are not made; triggers that lack secrets are switched off."""
        parsed = text.parse(data.text)
        fields = {
            "folder_id": data.folder_id, "description": parsed.description, "kind": parsed.kind,
            "settings": parsed.settings,
        }  # fmt: skip
        async with ctx.transaction() as session:
            name = checked_name(data.name or parsed.name)
            made = await make(ctx, session, data.workspace_id, name, canvas_of(parsed.graph), fields)
            await declared.declare_text(session, ctx.actor, ctx.services.vault, ctx.registry, made.id, parsed)
            return ok(made)

    @put("/{flow_id:uuid}/text", opt=permission("flow:update"))
    async def put_text(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[TextBody], if_match: IfMatch = None
    ) -> Envelope[TextOut]:
        """Make the flow what its changed text says; steps that stay keep their place on the canvas."""
        parsed = text.parse(data.text)
        checked_name(parsed.name)
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            names = await connections.names(session, ctx.organization_id)
            features = await entitlements.enabled_features(session)
            if not data.dry_run:
                policy_of(parsed.settings)
                version = base_version(if_match, data.row_version, "canvas")
                await files.put_text(session, ctx.actor, flow_id, parsed, version)
                await triggers.sync(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id)
                await declared.declare_text(session, ctx.actor, ctx.services.vault, ctx.registry, flow_id, parsed)
            stored = await flows.get_data(session, ctx.actor, flow_id)
        on = {key for key, enabled in features.items() if enabled}
        problems = validate(parsed.graph, ctx.registry, connections=names, features=on)
        return ok(TextOut(problems=problems, row_version=stored.row_version))

    @get("/{flow_id:uuid}/export", opt=permission("flow:read"), media_type="application/yaml")
    async def export_flow(self, ctx: NamedDependency[Context], flow_id: FromPath[UUID]) -> Response[bytes]:
        """The flow in its text form (YAML), with its triggers and without their secrets."""
        async with ctx.transaction() as session:
            flow = await flows.get(session, ctx.actor, flow_id)
            rendered = await declared.take_out(session, ctx.actor, flow_id)
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in flow.name)[:80] or "flow"
        headers = {"Content-Disposition": f'attachment; filename="{safe}.yaml"'}
        return Response(rendered.encode(), media_type="application/yaml", headers=headers)
