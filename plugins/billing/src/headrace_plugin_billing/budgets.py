"""Budgets: how much of a usage was meant for a month, and which thresholds it has reached."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from headrace.feature import new_id, now, tell_owners, usage
from headrace.sdk.errors import ConfigError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing.models import Alert, Budget

THRESHOLDS_MAX = 10
PERCENT_MAX = 1_000


def checked(thresholds: list[int]) -> list[int]:
    """Percents in order, each once.

    Raises:
        ConfigError: there are too many, or one is no percent.
    """
    if len(thresholds) > THRESHOLDS_MAX or any(not 0 < one <= PERCENT_MAX for one in thresholds):
        raise ConfigError(
            f"thresholds are at most {THRESHOLDS_MAX} percents of 1 to {PERCENT_MAX}, e.g. [50, 80, 100]",
            field="thresholds",
        )
    return sorted(set(thresholds))


async def used(session: AsyncSession, organization_id: UUID, usage_type: str) -> int:
    """What is used now: in this month, or altogether, as the limit of that name counts.

    Raises:
        NotFound: nothing counts such a thing.
    """
    return (await usage(session, usage_type, organization_id=organization_id)).used


async def watch(session: AsyncSession, organization_id: UUID) -> int:
    """Note the thresholds that were reached and are not noted yet; returns how many. A repeat notes nothing twice.

    Owners are told of the highest of each budget.
    """
    period = now().date().replace(day=1)
    noted = 0
    for budget in await session.scalars(sa.select(Budget).where(
        Budget.organization_id == organization_id, Budget.is_active
    )):  # fmt: skip
        have, highest = await used(session, organization_id, budget.usage_type), 0
        for threshold in budget.thresholds:
            if have * 100 < threshold * budget.amount:
                continue
            made = await session.execute(
                insert(Alert)
                .values(
                    organization_id=organization_id, id=new_id(), budget_id=budget.id, period=period,
                    threshold=threshold, used=have, amount=budget.amount,
                )
                .on_conflict_do_nothing(index_elements=["organization_id", "budget_id", "period", "threshold"])
                .returning(Alert.id)
            )  # fmt: skip
            if made.scalar() is not None:
                noted, highest = noted + 1, threshold
        if highest:
            await _tell(session, budget, have, highest)
    return noted


async def _tell(session: AsyncSession, budget: Budget, have: int, threshold: int) -> None:
    kind = budget.usage_type.replace("_", " ")
    sentence = (
        f"{have} {kind} are used, {have * 100 // max(1, budget.amount)} % of the {budget.amount} that the budget "
        f"'{budget.name or kind}' has for this month; {threshold} % is one of its thresholds."
    )
    await tell_owners(
        session, budget.organization_id, "budget", sentence, budget_id=budget.id, used=have, max=budget.amount,
        threshold=threshold,
    )  # fmt: skip
