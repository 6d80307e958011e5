"""Event subscriptions: addresses outside that are told what happens here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.subscriptions import deliveries
from headrace.subscriptions import service as subscriptions
from headrace.subscriptions.models import EventSubscription
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.triggers import IfMatch
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, ok, page_of
from headrace_web.guards import permission

Name = Annotated[str, Meta(max_length=255)]
Events = Annotated[list[str], Meta(min_length=1, max_length=100)]


class SubscriptionOut(Struct, kw_only=True):
    """A subscription. `secret` is shown once: when it is made. While `open_until` lies ahead, nothing is tried."""

    id: UUID
    name: str
    url: str
    events: list[str]
    is_active: bool
    failures: int
    open_until: datetime | None
    error: str | None
    previous_until: datetime | None
    last_delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    row_version: int
    secret: str | UnsetType = UNSET


class SubscriptionBody(ApiStruct):
    """A new subscription; without a secret one is made."""

    url: str
    events: Events
    name: Name = ""
    secret: str = ""
    is_active: bool = True


class SubscriptionPatch(ApiStruct):
    """What to change."""

    url: str | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class SubscriptionPut(SubscriptionBody):
    """A subscription as it shall be: what is left out takes its default; without a secret the stored one stays."""

    row_version: int | UnsetType = UNSET


class RotateBody(ApiStruct):
    """For how long deliveries are signed with both secrets."""

    overlap_hours: Annotated[float, Meta(ge=0, le=720)] = subscriptions.OVERLAP_HOURS


class DeliveryOut(Struct, kw_only=True):
    """A delivery; `event_id` is what the receiver sees as `webhook-id`, `log` are its last twenty attempts."""

    id: UUID
    event_id: UUID
    event: str
    payload: dict[str, Any]
    status: str
    attempts: int
    next_at: datetime
    status_code: int | None
    error: str | None
    log: list[dict[str, Any]]
    created_at: datetime
    settled_at: datetime | None


class EventSubscriptionsController(Controller):
    """Event subscriptions."""

    path = "/event-subscriptions"
    tags = ("event subscriptions",)

    @get("/", opt=permission("webhook:read"))
    async def list_subscriptions(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[SubscriptionOut]]:
        """Subscriptions, newest first."""
        async with ctx.transaction() as session:
            rows, total = await subscriptions.list_(session, ctx.actor, limit=paging.limit, offset=paging.offset)
        return page_of([_shown(row) for row in rows], total, paging)

    @get("/events", opt=permission("webhook:read"))
    async def list_events(self) -> Envelope[list[str]]:
        """Names of events, and patterns over them."""
        return ok([*subscriptions.PATTERNS, *subscriptions.EVENTS])

    @post("/", opt=permission("webhook:create"))
    async def create_subscription(
        self, ctx: NamedDependency[Context], data: JSONBody[SubscriptionBody]
    ) -> Envelope[SubscriptionOut]:
        """Tell an address of events from now on; the secret is shown this once."""
        async with ctx.transaction() as session:
            row = await subscriptions.create(session, ctx.actor, ctx.services.vault, **given(data))
            return ok(await _revealed(ctx, session, row))

    @get("/{subscription_id:uuid}", opt=permission("webhook:read"))
    async def get_subscription(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID]
    ) -> Envelope[SubscriptionOut]:
        """One subscription."""
        async with ctx.transaction() as session:
            return ok(_shown(await subscriptions.get(session, ctx.actor, subscription_id)))

    @patch("/{subscription_id:uuid}", opt=permission("webhook:update"))
    async def update_subscription(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID], data: JSONBody[SubscriptionPatch],
        if_match: IfMatch = None,
    ) -> Envelope[SubscriptionOut]:  # fmt: skip
        """Change what is given; one that is given another address, or switched on, is tried at once."""
        return ok(await _changed(ctx, subscription_id, data, if_match))

    @put("/{subscription_id:uuid}", opt=permission("webhook:update"))
    async def replace_subscription(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID], data: JSONBody[SubscriptionPut],
        if_match: IfMatch = None,
    ) -> Envelope[SubscriptionOut]:  # fmt: skip
        """Put the subscription as a whole; it is tried at once."""
        return ok(await _changed(ctx, subscription_id, data, if_match))

    @delete("/{subscription_id:uuid}", opt=permission("webhook:delete"), status_code=200)
    async def delete_subscription(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Tell the address nothing more; what waits goes, and the log."""
        async with ctx.transaction() as session:
            await subscriptions.delete(session, ctx.actor, subscription_id)
        return ok({"id": subscription_id})

    @post("/{subscription_id:uuid}/rotate-secret", opt=permission("webhook:update"), status_code=200)
    async def rotate_secret(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID], data: JSONBody[RotateBody | None] = None
    ) -> Envelope[SubscriptionOut]:
        """Make a new secret and show it once; for a while deliveries are signed with both."""
        async with ctx.transaction() as session:
            row = await subscriptions.rotate(
                session, ctx.actor, ctx.services.vault, subscription_id,
                overlap_hours=(data or RotateBody()).overlap_hours,
            )  # fmt: skip
            return ok(await _revealed(ctx, session, row))

    @post("/{subscription_id:uuid}/test", opt=permission("webhook:update"), status_code=202)
    async def send_test(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Send the event `test`; the log tells how it went."""
        async with ctx.transaction() as session:
            row = await subscriptions.get(session, ctx.actor, subscription_id)
            return ok({"delivery_id": await deliveries.test(session, row.organization_id, row.id)})

    @get("/{subscription_id:uuid}/deliveries", opt=permission("webhook:read"))
    async def list_deliveries(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID], paging: NamedDependency[Paging],
        status: FromQuery[Literal["pending", "delivered", "failed"] | None] = None,
    ) -> Envelope[list[DeliveryOut]]:  # fmt: skip
        """The log, newest first; what was settled 30 days ago is dropped."""
        async with ctx.transaction() as session:
            row = await subscriptions.get(session, ctx.actor, subscription_id)
            found, total = await deliveries.list_(
                session, row.organization_id, row.id, status=status, limit=paging.limit, offset=paging.offset
            )
        names = DeliveryOut.__struct_fields__
        return page_of([DeliveryOut(**{name: one[name] for name in names}) for one in found], total, paging)

    @post("/{subscription_id:uuid}/deliveries/{delivery_id:uuid}/redeliver", opt=permission("webhook:update"),
          status_code=202)  # fmt: skip
    async def redeliver(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID], delivery_id: FromPath[UUID]
    ) -> Envelope[dict[str, int]]:
        """Send a delivery once more, under the same id."""
        return ok({"deliveries": await _again(ctx, subscription_id, delivery_id)})

    @post("/{subscription_id:uuid}/redeliver", opt=permission("webhook:update"), status_code=202)
    async def redeliver_failed(
        self, ctx: NamedDependency[Context], subscription_id: FromPath[UUID]
    ) -> Envelope[dict[str, int]]:
        """Send all once more that were given up after a week."""
        return ok({"deliveries": await _again(ctx, subscription_id, None)})


async def _again(ctx: Context, subscription_id: UUID, delivery_id: UUID | None) -> int:
    async with ctx.transaction() as session:
        row = await subscriptions.get(session, ctx.actor, subscription_id)
        return await deliveries.again(session, row.organization_id, row.id, delivery_id)


def _shown(row: EventSubscription) -> SubscriptionOut:
    names = (name for name in SubscriptionOut.__struct_fields__ if name != "secret")
    return SubscriptionOut(**{name: getattr(row, name) for name in names})


async def _revealed(ctx: Context, session: AsyncSession, row: EventSubscription) -> SubscriptionOut:
    shown = _shown(row)
    opened = await subscriptions.open_secrets(session, ctx.services.vault, row.organization_id, row.id, row.secrets)
    shown.secret = opened["secret"]
    return shown


async def _changed(
    ctx: Context, subscription_id: UUID, data: SubscriptionPatch | SubscriptionPut, if_match: str | None
) -> SubscriptionOut:
    async with ctx.transaction() as session:
        await subscriptions.get(session, ctx.actor, subscription_id)
        version = base_version(if_match, data.row_version, "subscription")
        row = await subscriptions.update(
            session, ctx.actor, ctx.services.vault, subscription_id, given(data, "row_version"), version
        )
        return _shown(row)
