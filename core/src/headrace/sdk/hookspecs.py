"""Every core hook. A plugin implements those it needs in its declaration module.

Declarations are called once, plugin by plugin; an exception marks that plugin failed and the rest go on.
Decisions take the first answer that is not None.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import pluggy
from msgspec import Struct

if TYPE_CHECKING:
    from headrace.sdk.auth import AuthProviderManifest
    from headrace.sdk.manifests import (
        Chore,
        Command,
        ConnectorManifest,
        EditionManifest,
        EngineManifest,
        Feature,
        FlowTemplate,
        MigrationBranch,
        NodeManifest,
    )
    from headrace.sdk.secrets import SecretBackendManifest
    from headrace.sdk.triggers import TriggerType

hookspec = pluggy.HookspecMarker("headrace")
hookimpl = pluggy.HookimplMarker("headrace")


class OrganizationInfo(Struct, frozen=True):
    """What a decision may know of an organization.

    Attributes:
        plan: Id of its plan.
        edition: Id of its edition.
        features: Overrides of features, by id.
        limits: Overrides of limits, by id; None is unlimited.
        closed: Its subscription is over or suspended: what is there stays, nothing new is made.
        catalogue: Which state of editions and plans it is judged by.
    """

    id: UUID
    plan: str
    edition: str
    features: dict[str, bool] = {}
    limits: dict[str, int | None] = {}
    closed: bool = False
    catalogue: str = ""


@hookspec
def headrace_connectors() -> Iterable[ConnectorManifest]:
    """Offer connectors.

    Example:
        @hookimpl
        def headrace_connectors():
            return [ConnectorManifest(id="sqlite", title="SQLite", ...)]
    """


@hookspec
def headrace_nodes() -> Iterable[NodeManifest]:
    """Offer node types; their full ids are `<entry point id>.<id>`.

    Example:
        @hookimpl
        def headrace_nodes():
            filter_ = lazy("pkg.rows:Filter")
            return [NodeManifest(id="filter", title="Filter rows", config=FilterConfig, factory=filter_)]
    """


@hookspec
def headrace_triggers() -> Iterable[TriggerType]:
    """Offer kinds of triggers; each is also the node type `<entry point id>.<id>`.

    Example:
        @hookimpl
        def headrace_triggers():
            cron = lazy("pkg.cron:Cron")
            return [TriggerType(id="cron", title="Schedule", mode="time", config=CronConfig, factory=cron)]
    """


@hookspec
def headrace_engines() -> Iterable[EngineManifest]:
    """Offer engines.

    Example:
        @hookimpl
        def headrace_engines():
            return [EngineManifest(id="polars", title="Polars", factory=lazy("pkg.engine:PolarsEngine"))]
    """


@hookspec
def headrace_secrets() -> Iterable[SecretBackendManifest]:
    """Offer secret backends: where workers find what connections refer to as `<id>:<name>`.

    Example:
        @hookimpl
        def headrace_secrets():
            env = lazy("pkg.env:EnvironmentBackend")
            return [SecretBackendManifest(id="env", title="Environment", config=EnvConfig, factory=env)]
    """


@hookspec
def headrace_auth_providers() -> Iterable[AuthProviderManifest]:
    """Offer ways to sign in.

    Example:
        @hookimpl
        def headrace_auth_providers():
            oidc = lazy("pkg.provider:OidcProvider")
            return [AuthProviderManifest(id="oidc", title="OpenID Connect", kind="redirect", factory=oidc)]
    """


@hookspec
def headrace_features() -> Iterable[Feature]:
    """Offer switches.

    Example:
        @hookimpl
        def headrace_features():
            return [Feature(id="lineage", title="Lineage")]
    """


@hookspec
def headrace_editions() -> Iterable[EditionManifest]:
    """Offer editions with their plans.

    Example:
        @hookimpl
        def headrace_editions():
            return [EditionManifest(id="premium", title="Premium", plans=(Plan(id="premium", title="Premium"),))]
    """


@hookspec
def headrace_templates() -> Iterable[FlowTemplate]:
    """Offer ready flows.

    Example:
        @hookimpl
        def headrace_templates():
            return [FlowTemplate(id="flights", title="Flights", summary="...", package="pkg", file="flights.yaml")]
    """


@hookspec
def headrace_migrations() -> Iterable[MigrationBranch]:
    """Own tables: one Alembic branch.

    Example:
        @hookimpl
        def headrace_migrations():
            return [MigrationBranch(id="lineage", package="headrace_plugin_lineage.migrations")]
    """


@hookspec
def headrace_chores() -> Iterable[Chore]:
    """What the scheduler does now and then for every organization.

    Example:
        @hookimpl
        def headrace_chores():
            watch = lazy("headrace_plugin_billing.budgets:watch")
            return [Chore(id="budgets", title="Watch budgets", every_s=60, function=watch)]
    """


@hookspec
def headrace_cli() -> Iterable[Command]:
    """Offer commands, mounted as `headrace <plugin id> <command id>`.

    Example:
        @hookimpl
        def headrace_cli():
            return [Command(id="install", title="Create the demo workspace", function=lazy("pkg.commands:install"))]
    """


@hookspec(firstresult=True)
def headrace_feature_enabled(feature: str, organization: OrganizationInfo) -> bool | None:
    """Decide whether an organization has a feature; None = no opinion, an exception denies.

    Example:
        @hookimpl(tryfirst=True)
        def headrace_feature_enabled(feature, organization):
            return True if feature == "beta" else None
    """


@hookspec(firstresult=True)
def headrace_limit(limit: str, organization: OrganizationInfo) -> int | None:
    """Decide a limit; None = no opinion, -1 = unlimited.

    Example:
        @hookimpl(tryfirst=True)
        def headrace_limit(limit, organization):
            return 5 if limit == "flows" else None
    """
