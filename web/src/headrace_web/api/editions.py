"""Editions, and the features and limits that they give; switched while everything runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from headrace.accounts import service as accounts
from headrace.entitlements import plans, preview, resolve
from headrace.entitlements import service as entitlements
from headrace.infra.clock import now
from headrace.infra.rates import Bucket
from headrace.sdk.errors import ConfigError, NotFound
from headrace.sdk.manifests import EditionManifest
from headrace.workspaces.service import get_workspace
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.counting import principal
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import OF_ACCOUNTS, SIGNED_IN, permission


class EditionPatch(ApiStruct):
    """What to change."""

    enabled: bool | UnsetType = UNSET
    features: Annotated[
        list[str] | UnsetType | None,
        Meta(description="`*` is every feature, `-key` all but this one; null gives those of the package back."),
    ] = UNSET


class FeatureBody(ApiStruct):
    """What counts where neither an override, nor a plan, nor an edition says anything."""

    default_enabled: bool
    name: str = ""


class FeatureOut(Struct, kw_only=True):
    """A feature."""

    key: str
    name: str
    default_enabled: bool


class PreviewBody(ApiStruct):
    """A change to look at.

    `organization_id` with `plan`, `plan` with other contents, or `edition` with `enabled` or other `features`.
    """

    organization_id: UUID | None = None
    edition: str = ""
    plan: str = ""
    enabled: bool | None = None
    features: dict[str, bool] | None = None
    limits: dict[str, int] | None = None


class EditionsController(Controller):
    """Editions."""

    path = "/editions"
    opt = OF_ACCOUNTS
    tags = ("editions",)

    @get("/", opt=SIGNED_IN)
    async def list_editions(self, ctx: NamedDependency[Context]) -> Envelope[list[dict[str, Any]]]:
        """Installed editions with their plans; the organization's own is marked."""
        async with ctx.transaction() as session:
            info = await entitlements.organization_info(session)
            state = await entitlements.state(session)
        return ok([_edition(one, info.edition, on=key in state.editions) for key, one in sorted(state.every.items())])

    @patch("/{key:str}", opt=permission("edition:manage"))
    async def change_edition(
        self, ctx: NamedDependency[Context], key: FromPath[str], data: JSONBody[EditionPatch]
    ) -> Envelope[dict[str, Any]]:
        """Switch an edition off or on, or change its features; whoever asks from now on is judged by it."""
        async with ctx.transaction() as session:
            made = await plans.change_edition(
                session, ctx.actor, key, enabled=None if data.enabled is UNSET else data.enabled,
                features=frozenset(data.features) if isinstance(data.features, list) else None,
                reset_features=data.features is None,
            )  # fmt: skip
            info, state = await entitlements.organization_info(session), await entitlements.state(session)
        return ok(_edition(made, info.edition, on=key in state.editions))

    @post("/preview", opt=permission("subscription:manage"), status_code=200)
    async def preview_change(
        self, ctx: NamedDependency[Context], data: JSONBody[PreviewBody]
    ) -> Envelope[list[preview.Move]]:
        """Who would lose or gain what; nothing is changed."""
        if not data.plan and not data.edition:
            raise ConfigError("name a plan or an edition to look at", field="plan")
        async with ctx.transaction() as session:
            wish = preview.Wish(**{name: getattr(data, name) for name in data.__struct_fields__})
            return ok(await preview.preview(session, ctx.actor, wish, ctx.services.database))


class FeaturesController(Controller):
    """Features and limits of the organization."""

    path = "/features"
    tags = ("features",)

    @get("/", opt=SIGNED_IN)
    async def list_features(self, ctx: NamedDependency[Context]) -> Envelope[list[FeatureOut]]:
        """Every known feature, and what counts where nothing else says anything."""
        async with ctx.transaction() as session:
            found = (await entitlements.state(session)).features
        names = {**resolve.FEATURES, **{key: one.title for key, one in found.items()}}
        return ok(
            [
                FeatureOut(key=key, name=name, default_enabled=key in found and found[key].default)
                for key, name in sorted(names.items())
            ]
        )

    @put("/{key:str}", opt=permission("edition:manage"))
    async def put_feature(
        self, ctx: NamedDependency[Context], key: FromPath[str], data: JSONBody[FeatureBody]
    ) -> Envelope[FeatureOut]:
        """Switch a feature for all of whom nothing else says anything, or make one known."""
        async with ctx.transaction() as session:
            made = await plans.put_feature(
                session, ctx.actor, key, name=data.name, default_enabled=data.default_enabled
            )
        return ok(FeatureOut(key=made.id, name=made.title, default_enabled=made.default))

    @delete("/{key:str}", opt=permission("edition:manage"), status_code=200)
    async def delete_feature(self, ctx: NamedDependency[Context], key: FromPath[str]) -> Envelope[dict[str, str]]:
        """Let its plugin say again what counts."""
        async with ctx.transaction() as session:
            await plans.delete_feature(session, ctx.actor, key)
        return ok({"key": key})

    @get("/enabled", opt=SIGNED_IN)
    async def list_enabled(self, ctx: NamedDependency[Context]) -> Envelope[dict[str, bool]]:
        """Every known feature and whether the organization has it."""
        async with ctx.transaction() as session:
            return ok(await entitlements.enabled_features(session))

    @get("/check/{key:str}", opt=SIGNED_IN)
    async def check(self, ctx: NamedDependency[Context], key: FromPath[str]) -> Envelope[resolve.FeatureAnswer]:
        """Whether the organization has a feature, and by what."""
        async with ctx.transaction() as session:
            return ok(await entitlements.check_feature(session, key))

    @get("/usage/{kind:str}", opt=SIGNED_IN)
    async def usage(
        self, ctx: NamedDependency[Context], kind: FromPath[str], workspace_id: FromQuery[UUID | None] = None,
        user_id: FromQuery[UUID | None] = None,
    ) -> Envelope[entitlements.Usage]:  # fmt: skip
        """How much of a limit is used: flows, connections, executions of this month, users, workspaces, storage_bytes.

        With `workspace_id` it is that of one workspace, which one may read; with `user_id` that of one person: oneself,
        or any member for who sees usage. `api_requests` are one's own of the last hour.
        """
        if workspace_id and user_id:
            raise ConfigError("give workspace_id or user_id, not both", field="user_id")
        async with ctx.transaction() as session:
            of = await _whose(ctx, session, workspace_id, user_id)
            if kind != "api_requests" or of is not None:
                return ok(await entitlements.usage(session, kind, of=of))
        return ok(await _requests(ctx))


async def _whose(
    ctx: Context, session: AsyncSession, workspace_id: UUID | None, user_id: UUID | None
) -> tuple[str, UUID] | None:
    if workspace_id:
        return "workspace", (await get_workspace(session, ctx.actor, workspace_id)).id
    if user_id is None:
        return None
    if user_id != ctx.actor.user_id:
        ctx.actor.require("organization:view_usage")
        if await accounts.member_and_user(session, ctx.organization_id, user_id) is None:
            raise NotFound("there is no such member", resource="user")
    return "user", user_id


async def _requests(ctx: Context) -> entitlements.Usage:
    rates = ctx.services.rates
    rate = await rates.of_plan(ctx.services.database, ctx.organization_id)
    seen = await rates.take([Bucket(principal(ctx.actor), rate)], cost=0)
    if not seen.limit:
        return entitlements.Usage("api_requests", 0, resolve.UNLIMITED, resolve.UNLIMITED)
    full_at: datetime = now().astimezone(UTC) + timedelta(seconds=seen.reset_s)
    return entitlements.Usage("api_requests", seen.limit - seen.remaining, seen.limit, seen.remaining, full_at)


def _edition(one: EditionManifest, current: str, *, on: bool) -> dict[str, Any]:
    return {
        "id": one.id, "title": one.title, "features": sorted(one.features), "enabled": on,
        "current": one.id == current, "needs_licence": bool(one.license_key),
        "plans": [
            {"id": plan.id, "title": plan.title, "features": sorted(plan.features), "limits": plan.limits,
             "price": plan.price}
            for plan in one.plans
        ],
    }  # fmt: skip
