"""What bounds an execution before it is queued: limits of its organization, of its flow, and of a key of its own.

Decided in SQL on `execution_slots` (`create.hold_if_full`, `family_statements.ADMIT`); a held execution is not rung and
cannot be claimed, so a key that is full never holds a worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.templates import event_of
from headrace.entitlements import service as entitlements
from headrace.entitlements.resolve import UNLIMITED
from headrace.executions import family_statements as sql
from headrace.executions.create import Slot
from headrace.executions.spec import LIMITS, Limits
from headrace.flows.graph import FlowGraph
from headrace.flows.models import Flow
from headrace.infra.queue_names import checked_queue
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, LimitReached
from headrace.sdk.text import render

LIMIT = "concurrent_executions"
"""The limit of editions: how many executions of an organization are open at a time."""
SHARE, SHARE_MAX = "execution_share", 100
"""The number of editions for how much an organization counts when several want the workers."""
ORGANIZATION_KEY = "organization"
PRIORITIES = {"low": -5, "normal": 0, "high": 5, "critical": 10}
KEY_MAX = 200
NO_LIMIT = 2**31 - 1
SECONDS_MAX = 31_536_000


class Policy(Struct, frozen=True, kw_only=True):
    """What a flow's settings say about its executions.

    Attributes:
        max_concurrency: How many are open at a time; None is any number.
        concurrency_key: A text template over `params`; executions with the same text share `concurrency_limit`.
        concurrency_limit: How many with the same key are open at a time, in all flows of the organization.
        priority: low, normal, high or critical.
        queue: The queue of every segment, e.g. `label:gpu`; empty lets the steps decide.
        max_pending: How many may wait to begin; None is any number.
        when_pending: What becomes of one more: refuse, skip or coalesce (`pending`).
        soft_limit_s: An attempt at some steps that takes longer is told in the log; 0 never is.
        hard_limit_s: One that takes longer is stopped, where no step has a timeout of its own; 0 never is.
        deadline_s: An execution that has not ended after so long, waits included, is `timed_out`; None is never.
    """

    max_concurrency: int | None = None
    concurrency_key: str = ""
    concurrency_limit: int = 1
    priority: str = "normal"
    queue: str = ""
    max_pending: int | None = None
    when_pending: Literal["refuse", "skip", "coalesce"] = "refuse"
    soft_limit_s: float = LIMITS.soft_s
    hard_limit_s: float = LIMITS.hard_s
    deadline_s: float | None = None

    @property
    def limits(self) -> Limits:
        """Of each attempt at a segment."""
        return Limits(self.soft_limit_s, self.hard_limit_s)


def policy_of(settings: Mapping[str, Any]) -> Policy:
    """Read and check a flow's settings; those about other things are left alone.

    Raises:
        ConfigError: one has the wrong form; it names the setting.
    """
    known = {name: settings[name] for name in Policy.__struct_fields__ if settings.get(name) is not None}
    try:
        policy = msgspec.convert(known, Policy)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the flow's settings do not fit: {error}", field="settings") from None
    for name in ("max_concurrency", "concurrency_limit", "max_pending"):
        value = getattr(policy, name)
        if value is not None and not 0 < value < NO_LIMIT:
            raise ConfigError(f"the flow's setting '{name}' is {value}; give 1 or more, or leave it out", field=name)
    for name, least in (("soft_limit_s", 0), ("hard_limit_s", 0), ("deadline_s", 1)):
        value = getattr(policy, name)
        if value is not None and not least <= value <= SECONDS_MAX:
            raise ConfigError(
                f"the flow's setting '{name}' is {value:g}; give {least} to {SECONDS_MAX:,} seconds", field=name
            )
    if policy.priority not in PRIORITIES:
        names = ", ".join(PRIORITIES)
        raise ConfigError(f"the flow's priority is '{policy.priority}'; choose {names}", field="priority")
    if policy.queue:
        checked_queue(policy.queue)
    return policy


async def policy_for(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, settings: Mapping[str, Any] | None = None
) -> Policy:
    """The policy of a flow, of its `settings` where they are known."""
    if settings is not None:
        return policy_of(settings)
    flow = await session.get(Flow, (organization_id, flow_id))
    return policy_of(flow.settings if flow is not None else {})


async def require_features(session: AsyncSession, graph: FlowGraph, registry: Registry) -> None:
    """Go on only with every feature that a step belongs to; whoever starts it, and by whatever door.

    Raises:
        FeatureOff: the edition has not got one.
    """
    kinds = {node.type for node in graph.nodes} & registry.nodes.keys()
    await entitlements.require_features(session, {registry.nodes[kind].manifest.feature for kind in kinds})


async def share_of(session: AsyncSession, organization_id: UUID) -> int:
    """How much an organization counts for when several want the workers: 1, or what its plan or an override says."""
    return max(1, min(SHARE_MAX, await entitlements.limit_of(session, SHARE, organization_id=organization_id)))


async def slots_of(
    session: AsyncSession, organization_id: UUID, flow_id: UUID, policy: Policy, params: Mapping[str, Any],
    event: Mapping[str, Any], *, whole: bool,
) -> tuple[Slot, ...]:  # fmt: skip
    """The slots that an execution needs.

    Args:
        session: Of the organization.
        organization_id: Whose limit counts.
        flow_id: The flow.
        policy: Of the flow.
        params: What the key's template sees.
        event: What it sees as `input`.
        whole: Whether the whole flow is executed; a part, which somebody looks at, is bounded by the organization only.

    Raises:
        ConfigError: the template of the key cannot be filled in.
        LimitReached: the plan allows none at all.
    """
    slots = []
    most = await entitlements.limit_of(session, LIMIT, organization_id=organization_id)
    if most == 0:
        raise LimitReached(
            "the plan allows no execution at a time; change the plan, or install its edition",
            limit=LIMIT,
            used=0,
            max=0,
        )
    if most != UNLIMITED:
        slots.append(Slot(ORGANIZATION_KEY, most))
    if whole and policy.max_concurrency is not None:
        slots.append(Slot(f"flow:{flow_id}", policy.max_concurrency))
    if whole and policy.concurrency_key:
        slots.append(Slot(f"key:{_key(policy.concurrency_key, params, event)}", policy.concurrency_limit))
    return tuple(slots)


def _key(template: str, params: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    try:
        text = render(template, {"params": params, "input": event_of(event)}).replace("\x00", "")
    except ConfigError as error:
        raise ConfigError(f"the flow's concurrency key: {error.message}", field="concurrency_key") from None
    return text if len(text) <= KEY_MAX else hashlib.sha256(text.encode()).hexdigest()


async def let_in(session: AsyncSession, organization_id: UUID, key: str) -> int:
    """Bring the capacity of a key up to date and let in who fits now. Returns how many."""
    where = {"organization_id": organization_id, "key": key}
    await session.execute(sql.LOCK_KEYS, {"keys": [f"{organization_id}:{key}"]})
    if key == ORGANIZATION_KEY:
        most = await entitlements.limit_of(session, LIMIT, organization_id=organization_id)
        capacity = NO_LIMIT if most == UNLIMITED else most
        await session.execute(sql.SET_CAPACITY, {**where, "capacity": capacity})
    elif key.startswith(("flow:", "key:")):
        await session.execute(sql.SET_FLOW_CAPACITY, where)
    return int(await session.scalar(sql.ADMIT, {**where, "most": 100}) or 0)
