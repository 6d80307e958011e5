"""Subscriptions of every organization, for platform admins; the id of a subscription is that of its organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.entitlements import preview, subscriptions
from headrace.entitlements import service as entitlements
from headrace.entitlements.models import FeatureOverride, Subscription
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace.sdk.errors import ConfigError, NotFound
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import OF_ACCOUNTS, permission

Status = Literal["trialing", "active", "past_due", "suspended", "cancelled"]
MANAGE = permission("subscription:manage")


class _Facts(ApiStruct, kw_only=True):
    status: Status | UnsetType = UNSET
    infrastructure_type: Literal["shared", "dedicated"] | UnsetType = UNSET
    period_start: datetime | UnsetType | None = UNSET
    period_end: datetime | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class SubscriptionBody(_Facts, kw_only=True):
    """A subscription; without an organization it is that of the caller."""

    plan_id: str
    edition: str = ""
    organization_id: UUID | UnsetType = UNSET


class SubscriptionPatch(_Facts, kw_only=True):
    """What to change; another plan acts at once."""

    plan_id: str | UnsetType = UNSET
    edition: str | UnsetType = UNSET
    row_version: int | None = None


class SubscriptionPut(ApiStruct, kw_only=True):
    """A subscription as it shall be: what is left out takes its default; another plan acts at once."""

    plan_id: str
    edition: str = ""
    status: Status = "active"
    infrastructure_type: Literal["shared", "dedicated"] = "shared"
    period_start: datetime | None = None
    period_end: datetime | None = None
    settings: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    row_version: int | None = None


class UpgradeBody(ApiStruct):
    """Another plan, now or at the end of the period."""

    plan: str
    edition: str = ""
    effective: Literal["now", "period_end"] = "now"
    organization_id: UUID | UnsetType = UNSET


class OverrideBody(ApiStruct):
    """A feature switched (`enabled`) or a limit set (`value`, -1 is none)."""

    enabled: bool | None = None
    value: Annotated[int, Meta(ge=-1, le=2**53)] | None = None
    reason: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*\Z")] = ""
    expires_at: datetime | None = None


class OverrideOut(Struct, kw_only=True):
    """What an organization has beside its plan."""

    kind: str
    key: str
    enabled: bool | None
    value: int | None
    reason: str
    expires_at: datetime | None


class SubscriptionOut(Struct, kw_only=True):
    """What an organization has; `subscribed` is false where the default counts. `row_version` is 0 then."""

    id: UUID
    organization_id: UUID
    organization: str
    subscribed: bool
    edition: str
    plan_id: str
    status: str
    infrastructure_type: str = "shared"
    period_start: datetime | None = None
    period_end: datetime | None = None
    settings: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    next_plan: str | None = None
    next_at: datetime | None = None
    overrides: list[OverrideOut]
    row_version: int = 0


class Changed(Struct, kw_only=True):
    """The subscription, and what the organization gained and lost; null when that is nothing."""

    subscription: SubscriptionOut
    change: preview.Move | None


class SubscriptionsController(Controller):
    """Subscriptions."""

    path = "/subscriptions"
    tags = ("subscriptions",)
    opt = {**MANAGE, **OF_ACCOUNTS}

    @get("/")
    async def list_subscriptions(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = ""
    ) -> Envelope[list[SubscriptionOut]]:
        """Every organization and what it has, the oldest first; those without a subscription too."""
        async with ctx.transaction() as session:
            found, total = await subscriptions.organizations(
                session, ctx.actor, q=q, limit=paging.limit, offset=paging.offset
            )
            rows = []
            for organization_id, name in found:
                async with subscriptions.of(session, ctx.actor, organization_id):
                    rows.append(await _out(session, ctx, name))
        return page_of(rows, total, paging)

    @post("/")
    async def create_subscription(
        self, ctx: NamedDependency[Context], data: JSONBody[SubscriptionBody]
    ) -> Envelope[SubscriptionOut]:
        """Subscribe an organization to a plan."""
        organization_id = ctx.organization_id if data.organization_id is UNSET else data.organization_id
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, organization_id):
            fields = _fields(data, "plan_id", "edition", "organization_id")
            await subscriptions.create(session, ctx.actor, plan=data.plan_id, edition=data.edition, **fields)
            made = await _out(session, ctx)
        await _tell(ctx, made)
        return ok(made)

    @post("/upgrade", status_code=200)
    async def upgrade(self, ctx: NamedDependency[Context], data: JSONBody[UpgradeBody]) -> Envelope[Changed]:
        """Give an organization another plan; nothing is deleted, what is beyond a smaller one can be read only."""
        organization_id = ctx.organization_id if data.organization_id is UNSET else data.organization_id
        async with ctx.transaction() as session:
            wish = preview.Wish(organization_id=organization_id, plan=data.plan, edition=data.edition)
            moves = await preview.preview(session, ctx.actor, wish, ctx.services.database)
            async with subscriptions.of(session, ctx.actor, organization_id):
                await subscriptions.subscribe(
                    session, ctx.actor, plan=data.plan, edition=data.edition, effective=data.effective
                )
                made = await _out(session, ctx)
        await _tell(ctx, made)
        return ok(Changed(subscription=made, change=moves[0] if moves else None))

    @get("/{subscriber_id:uuid}")
    async def get_subscription(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID]
    ) -> Envelope[SubscriptionOut]:
        """What an organization has."""
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, subscriber_id):
            return ok(await _out(session, ctx))

    @patch("/{subscriber_id:uuid}")
    async def update_subscription(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID], data: JSONBody[SubscriptionPatch],
        if_match: IfMatch = None,
    ) -> Envelope[SubscriptionOut]:  # fmt: skip
        """Change a subscription."""
        return await _changed(ctx, subscriber_id, data, if_match)

    @put("/{subscriber_id:uuid}")
    async def replace_subscription(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID], data: JSONBody[SubscriptionPut],
        if_match: IfMatch = None,
    ) -> Envelope[SubscriptionOut]:  # fmt: skip
        """Replace a subscription."""
        return await _changed(ctx, subscriber_id, data, if_match)

    @delete("/{subscriber_id:uuid}", status_code=200)
    async def delete_subscription(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID]
    ) -> Envelope[SubscriptionOut]:
        """End a subscription: the default plan counts from now on."""
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, subscriber_id):
            await subscriptions.delete(session, ctx.actor)
            made = await _out(session, ctx)
        await _tell(ctx, made)
        return ok(made)

    @put("/{subscriber_id:uuid}/overrides/{feature:str}")
    async def put_override(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID], feature: FromPath[str],
        data: JSONBody[OverrideBody],
    ) -> Envelope[SubscriptionOut]:  # fmt: skip
        """Switch a feature, or set a limit, for one organization, whatever its plan says."""
        if (data.enabled is None) == (data.value is None):
            raise ConfigError("give either 'enabled', for a feature, or 'value', for a limit", field="enabled")
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, subscriber_id):
            why: dict[str, Any] = {"reason": data.reason, "expires_at": data.expires_at}
            if data.enabled is not None:
                await subscriptions.override_feature(session, ctx.actor, feature, enabled=data.enabled, **why)
            elif data.value is not None:
                await subscriptions.override_limit(session, ctx.actor, feature, value=data.value, **why)
            made = await _out(session, ctx)
        await _tell(ctx, made)
        return ok(made)

    @delete("/{subscriber_id:uuid}/overrides/{feature:str}", status_code=200)
    async def delete_override(
        self, ctx: NamedDependency[Context], subscriber_id: FromPath[UUID], feature: FromPath[str]
    ) -> Envelope[SubscriptionOut]:
        """Let plan and edition decide again."""
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, subscriber_id):
            await subscriptions.remove_override(session, ctx.actor, feature)
            made = await _out(session, ctx)
        await _tell(ctx, made)
        return ok(made)


async def _changed(
    ctx: Context, subscriber_id: UUID, data: SubscriptionPatch | SubscriptionPut, if_match: str | None
) -> Envelope[SubscriptionOut]:
    async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, subscriber_id):
        version = base_version(if_match, data.row_version, "subscription")
        fields = _fields(data, "plan_id", "edition", "row_version")
        await subscriptions.update(session, ctx.actor, fields, row_version=version)
        if data.plan_id is not UNSET or data.edition is not UNSET:
            plan, edition = _text(data.plan_id), _text(data.edition)
            await subscriptions.subscribe(session, ctx.actor, plan=plan, edition=edition)
        made = await _out(session, ctx)
    await _tell(ctx, made)
    return ok(made)


def _text(value: str | UnsetType) -> str:
    return "" if value is UNSET else value


def _fields(data: _Facts | SubscriptionPut, *leave_out: str) -> dict[str, Any]:
    fields = given(data, *leave_out)
    return {"facts" if name == "metadata" else name: value for name, value in fields.items()}


async def _out(session: AsyncSession, ctx: Context, name: str = "") -> SubscriptionOut:
    """What the transaction's organization has."""
    info = await entitlements.organization_info(session)
    row: Subscription | None
    try:
        row = await subscriptions.get(session, ctx.actor)
    except NotFound:
        row = None
    listed = [_override(one) for one in await subscriptions.overrides(session, ctx.actor)]
    if row is None:
        return SubscriptionOut(
            id=info.id, organization_id=info.id, organization=name, subscribed=False, edition=info.edition,
            plan_id=info.plan, status="active", overrides=listed,
        )  # fmt: skip
    return SubscriptionOut(
        id=info.id, organization_id=info.id, organization=name, subscribed=True, edition=info.edition,
        plan_id=info.plan, status=row.status, infrastructure_type=row.infrastructure_type,
        period_start=row.period_start, period_end=row.period_end, settings=row.settings, metadata=row.facts,
        next_plan=row.next_plan, next_at=row.next_at, overrides=listed, row_version=row.row_version,
    )  # fmt: skip


def _override(row: FeatureOverride) -> OverrideOut:
    return shown(OverrideOut, row)


async def _tell(ctx: Context, made: SubscriptionOut) -> None:
    """Open pages of the organization learn of it; one that misses it asks at its next load."""
    told = {"edition": made.edition, "plan_id": made.plan_id, "status": made.status}
    message = Message(
        channel=f"organization:{made.id}", type="subscription_updated", data=told, timestamp=now()
    )  # fmt: skip
    await ctx.services.bus.publish(made.id, message)
