"""Override, then plan and its edition, then default; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal
from uuid import UUID

from msgspec import Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.hookspecs import OrganizationInfo
from headrace.sdk.manifests import EditionManifest, Feature, Plan

DEFAULT = "community"
UNLIMITED = -1
GROWING = frozenset({"flows", "connections", "executions", "users", "workspaces"})
"""Limits of how much there may be; a subscription that is over allows nothing new of them."""

FEATURES = {
    "lineage": "Lineage",
    "monitoring": "Process monitoring",
    "sso": "Single sign-on with SAML, LDAP and SCIM",
    "dedicated_infrastructure": "Dedicated infrastructure",
    "ai": "AI assistants",
    "ai_premium": "Premium AI models",
    "streaming": "Streaming pipelines",
    "reports": "Reports",
    "shares": "Sharing",
    "git_sync": "Git synchronisation",
    "collaboration": "Collaboration",
    "audit_export": "Audit export",
    "custom_roles": "Custom roles",
    "white_label": "White label",
}
"""Keys that editions are about, whether or not a plugin with the feature is installed; plugins add theirs."""


_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


def checked_key(key: str) -> str:
    """The key of a plan, a feature or a limit.

    Raises:
        ConfigError: it is none.
    """
    if not _KEY.fullmatch(key):
        raise ConfigError("a key has 1 to 63 lower case letters, digits and _, a letter first", field="key")
    return key


class FeatureAnswer(Struct, frozen=True):
    """Whether an organization has a feature, and why."""

    feature: str
    enabled: bool
    source: Literal["override", "plan", "default"]


def grants(features: Iterable[str], key: str) -> bool | None:
    """What a set says of a key: `*` is everything, `-key` all but this one; None when it says nothing."""
    held = frozenset(features)
    if f"-{key}" in held:
        return False
    return True if key in held or "*" in held else None


def feature(
    key: str, organization: OrganizationInfo, editions: Mapping[str, EditionManifest], features: Mapping[str, Feature]
) -> FeatureAnswer:
    """Answer for one feature."""
    if key in organization.features:
        return FeatureAnswer(key, organization.features[key], "override")
    edition = editions.get(organization.edition)
    if edition is not None:
        plan = plan_of(edition, organization.plan)
        for held in (plan.features if plan else (), edition.features):
            said = grants(held, key)
            if said is not None:
                return FeatureAnswer(key, said, "plan")
    declared = features.get(key)
    return FeatureAnswer(key, declared.default if declared else False, "default")


def limit(key: str, organization: OrganizationInfo, editions: Mapping[str, EditionManifest]) -> int:
    """Answer for one limit; -1 is unlimited. A plan whose edition is not installed allows nothing new."""
    if organization.closed and key in GROWING:
        return 0
    if key in organization.limits:
        value = organization.limits[key]
        return UNLIMITED if value is None else value
    edition = editions.get(organization.edition)
    plan = plan_of(edition, organization.plan) if edition else None
    if plan is None:
        return UNLIMITED if organization.edition == DEFAULT else 0
    return plan.limits.get(key, UNLIMITED)


def plan_of(edition: EditionManifest, plan_id: str) -> Plan | None:
    """The plan of an edition by id."""
    return next((plan for plan in edition.plans if plan.id == plan_id), None)


def editions_with(key: str, editions: Mapping[str, EditionManifest]) -> list[str]:
    """Ids of editions that have a feature in any plan; for telling people where to find it."""
    return sorted(
        edition.id
        for edition in editions.values()
        if any(
            feature(key, OrganizationInfo(id=UUID(int=0), plan=plan.id, edition=edition.id), editions, {}).enabled
            for plan in edition.plans
        )
    )
