"""The last answers to the public hooks: what override, plan, edition and default say."""

from __future__ import annotations

import logging
from collections import OrderedDict
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.entitlements import licence, resolve
from headrace.entitlements.catalogue import Catalogue, Changes, build, load
from headrace.infra.clock import now
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError
from headrace.sdk.hookspecs import OrganizationInfo, hookimpl

KEEP = 8
AGAIN = timedelta(seconds=60)
"""After which a licence that does not count is looked at again."""
_FACTS = sa.text("SELECT key, value #>> '{}' AS value FROM instance_state WHERE key IN ('installation', 'clock')")
_log = logging.getLogger("headrace.entitlements")


class Entitlements:
    """Asked when no plugin has an opinion of its own.

    It keeps a few states of editions and plans, by the version that the database had: who asks in a transaction is
    judged by the state that this transaction sees, whatever process has changed it, and when.

    Args:
        registry: Of the plugins.
        licence_text: Of the installation, or empty.
    """

    def __init__(self, registry: Registry, licence_text: str = "") -> None:
        self._registry = registry
        self._licence = licence_text
        self._known: OrderedDict[str, Catalogue] = OrderedDict()

    async def at(self, session: AsyncSession, version: str | None) -> tuple[str, Catalogue]:
        """The state of a version, and the key it is kept by."""
        key = f"{self._registry.generation}|{version or ''}"
        found = self._known.get(key)
        if found is None or (found.until is not None and found.until <= now()):
            changes = await load(session) if version else Changes()
            found = await self._licensed(session, changes) if self._licence else self._built(changes)
            self._known[key] = found
            while len(self._known) > KEEP:
                self._known.popitem(last=False)
        return key, found

    def catalogue(self, key: str) -> Catalogue:
        """A state by its key; what the packages say when it is not kept."""
        return self._known.get(key) or self._built(Changes())

    def with_changes(self, changes: Changes, like: Catalogue | None = None) -> Catalogue:
        """The state that these changes would make, under the licence of another state."""
        made = self._built(changes)
        if like is None or not like.licensed:
            return made
        return build(
            self._registry.editions, self._registry.features, changes, licensed=like.licensed, default=like.default,
            until=like.until,
        )  # fmt: skip

    def _built(self, changes: Changes) -> Catalogue:
        return build(self._registry.editions, self._registry.features, changes)

    async def _licensed(self, session: AsyncSession, changes: Changes) -> Catalogue:
        try:
            held = await self.licence(session)
        except ConfigError as error:
            _log.warning("the licence does not count: %s", error.message)
            return build(self._registry.editions, self._registry.features, changes, until=now() + AGAIN)
        if held is None:
            return self._built(changes)
        plan = held.plan or self._registry.editions[held.edition].plans[0].id
        return build(
            self._registry.editions, self._registry.features, changes, licensed=held.edition,
            default=(held.edition, plan), until=held.expires_at,
        )  # fmt: skip

    async def licence(self, session: AsyncSession) -> licence.Licence | None:
        """The licence, checked; None without one.

        Raises:
            ConfigError: it does not count; one sentence why.
        """
        if not self._licence:
            return None
        facts = {row.key: row.value for row in await session.execute(_FACTS)}
        at = max(now(), datetime.fromisoformat(facts["clock"])) if "clock" in facts else now()
        return licence.read(self._licence, self._registry.editions, installation=facts.get("installation", ""), at=at)

    @hookimpl(trylast=True)
    def headrace_feature_enabled(self, feature: str, organization: OrganizationInfo) -> bool:
        """By the editions that count."""
        state = self.catalogue(organization.catalogue)
        return resolve.feature(feature, organization, state.editions, state.features).enabled

    @hookimpl(trylast=True)
    def headrace_limit(self, limit: str, organization: OrganizationInfo) -> int:
        """By the editions that count."""
        return resolve.limit(limit, organization, self.catalogue(organization.catalogue).editions)
