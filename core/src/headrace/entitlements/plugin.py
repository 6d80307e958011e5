"""The last answers to the public hooks: what override, plan, edition and default say."""

from __future__ import annotations

from headrace.entitlements import resolve
from headrace.plugins.registry import Registry
from headrace.sdk.hookspecs import OrganizationInfo, hookimpl


class Entitlements:
    """Asked when no plugin has an opinion of its own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @hookimpl(trylast=True)
    def headrace_feature_enabled(self, feature: str, organization: OrganizationInfo) -> bool:
        """By the editions of the registry."""
        return resolve.feature(feature, organization, self._registry.editions, self._registry.features).enabled

    @hookimpl(trylast=True)
    def headrace_limit(self, limit: str, organization: OrganizationInfo) -> int:
        """By the editions of the registry."""
        return resolve.limit(limit, organization, self._registry.editions)
