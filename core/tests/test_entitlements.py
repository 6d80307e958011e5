"""Override, plan, edition, default; gates refuse; limits are exact under parallel creates."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.accounts.permissions import Actor, system_actor
from headrace.entitlements import counts, resolve, service, subscriptions
from headrace.flows import service as flows
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import ConfigError, Denied, FeatureOff, LimitReached
from headrace.sdk.hookspecs import OrganizationInfo, hookimpl
from headrace.sdk.manifests import EditionManifest, Feature, Plan
from headrace.workspaces import service as workspaces
from headrace.workspaces.models import Workspace

EDITIONS = {
    "small": EditionManifest(
        id="small", title="Small", features=frozenset({"reports"}),
        plans=(Plan(id="one", title="One", features=frozenset({"ai"}), limits={"flows": 10}),
               Plan(id="two", title="Two")),
    ),
    "large": EditionManifest(
        id="large", title="Large", features=frozenset({"*", "-sso"}), plans=(Plan(id="all", title="All"),)
    ),
}  # fmt: skip
FEATURES = {"beta": Feature(id="beta", title="Beta", default=True)}


def info(edition: str, plan: str, **overrides) -> OrganizationInfo:
    return OrganizationInfo(id=new_id(), edition=edition, plan=plan, **overrides)


@pytest.mark.parametrize(("key", "who", "enabled", "source"), [
    ("ai", info("small", "one"), True, "plan"),
    ("ai", info("small", "two"), False, "default"),
    ("reports", info("small", "two"), True, "plan"),
    ("anything", info("large", "all"), True, "plan"),
    ("sso", info("large", "all"), False, "plan"),
    ("sso", info("large", "all", features={"sso": True}), True, "override"),
    ("ai", info("small", "one", features={"ai": False}), False, "override"),
    ("beta", info("small", "one"), True, "default"),
    ("ai", info("gone", "one"), False, "default"),
])  # fmt: skip
def test_features_resolve_in_order(key: str, who: OrganizationInfo, enabled: bool, source: str) -> None:
    answer = resolve.feature(key, who, EDITIONS, FEATURES)
    assert (answer.enabled, answer.source) == (enabled, source)


@pytest.mark.parametrize(("who", "expected"), [
    (info("small", "one"), 10), (info("small", "two"), -1), (info("small", "one", limits={"flows": 3}), 3),
    (info("small", "one", limits={"flows": -1}), -1), (info("small", "one", limits={"flows": None}), -1),
    (info("gone", "x"), 0), (info("small", "gone"), 0), (info("community", "community"), -1),
])  # fmt: skip
def test_limits_resolve_in_order(who: OrganizationInfo, expected: int) -> None:
    assert resolve.limit("flows", who, EDITIONS) == expected


@pytest.fixture
def host():
    before = list(service._process)
    made = load_plugins(only=[f"edition-{name}" for name in ("community", "standard", "premium", "enterprise")])
    service.use_host(made)
    yield made
    service._process[:] = before


@pytest.fixture
async def actor(database: Database, host: Host) -> Actor:
    async with database.transaction() as session:
        organization = await accounts.create_organization(session, name="One")
    return Actor(organization_id=organization.id, role="owner", is_platform_admin=True)


async def test_a_fresh_install_has_everything_but_dedicated_infrastructure(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        features = await service.enabled_features(session)
        assert [key for key, enabled in features.items() if not enabled] == ["dedicated_infrastructure"]
        assert await service.limit_of(session, "flows") == -1


async def test_a_gate_names_the_editions(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        await service.require_feature(session, "lineage")
        await subscriptions.subscribe(session, actor, edition="standard")
        with pytest.raises(FeatureOff) as caught:
            await service.require_feature(session, "lineage")
    assert caught.value.details["editions"] == ["community", "enterprise", "premium"]
    assert "Lineage" in caught.value.message


async def test_features_follow_the_edition(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        seen = {}
        for edition, plan in (("standard", "standard"), ("standard", "starter"), ("community", "free")):
            await subscriptions.subscribe(session, actor, edition=edition, plan=plan)
            seen[plan] = await service.enabled_features(session)
        assert seen["standard"] == seen["starter"] == seen["free"]
        await subscriptions.subscribe(session, actor, edition="premium", plan="scale")
        premium = await service.enabled_features(session)
        assert {key for key in premium if premium[key]} > {key for key in premium if seen["free"][key]}


async def test_an_override_wins_until_it_expires(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        await subscriptions.subscribe(session, actor, edition="standard")
        await subscriptions.override_feature(session, actor, "lineage", enabled=True, reason="trial")
        assert (await service.check_feature(session, "lineage")).source == "override"
        await subscriptions.override_feature(
            session, actor, "lineage", enabled=True, expires_at=now() - timedelta(seconds=1)
        )
        assert not (await service.check_feature(session, "lineage")).enabled
        await subscriptions.override_limit(session, actor, "flows", value=-1)
        assert await service.limit_of(session, "flows") == -1
        await subscriptions.remove_override(session, actor, "flows")
        assert await service.limit_of(session, "flows") == 10


async def test_only_a_platform_admin_changes_them(database, actor) -> None:
    owner = system_actor(actor.organization_id)
    async with database.transaction(actor.organization_id) as session:
        for attempt in (
            subscriptions.subscribe(session, owner, edition="enterprise"),
            subscriptions.override_feature(session, owner, "lineage", enabled=True),
            subscriptions.override_limit(session, owner, "flows", value=-1),
            subscriptions.remove_override(session, owner, "flows"),
        ):
            with pytest.raises(Denied):
                await attempt


@pytest.mark.parametrize(("edition", "plan"), [("none", ""), ("standard", "premium"), ("", "")])
async def test_unknown_editions_and_plans_are_refused(database, actor, edition: str, plan: str) -> None:
    async with database.transaction(actor.organization_id) as session:
        with pytest.raises(ConfigError):
            await subscriptions.subscribe(session, actor, edition=edition, plan=plan)


async def test_a_limit_says_what_is_used(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        await subscriptions.subscribe(session, actor, edition="standard")
        workspace = await workspaces.create_workspace(session, system_actor(actor.organization_id), name="W")
        for number in range(10):
            await flows.create(session, actor, workspace_id=workspace.id, name=f"flow {number}")
        with pytest.raises(LimitReached) as caught:
            await service.reserve(session, "flows")
        assert caught.value.details == {"limit": "flows", "used": 10, "max": 10}
        assert (await service.usage(session, "workflows")).remaining == 0


async def test_twenty_creates_at_once_at_limit_ten_give_ten(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        await subscriptions.override_limit(session, actor, "workspaces", value=10)
    count = sa.select(sa.func.count()).select_from(Workspace)

    async def create(number: int) -> bool:
        try:
            async with database.transaction(actor.organization_id) as session:
                await service.reserve(session, "workspaces")
                session.add(Workspace(organization_id=actor.organization_id, name=f"w{number}"))
        except LimitReached:
            return False
        return True

    made = sum(await asyncio.gather(*(create(number) for number in range(20))))
    async with database.transaction(actor.organization_id) as session:
        assert (made, await session.scalar(count)) == (10, 10)


async def test_flows_are_limited_at_every_door(database, actor) -> None:
    async with database.transaction(actor.organization_id) as session:
        await subscriptions.subscribe(session, actor, edition="standard")
        workspace = await workspaces.create_workspace(session, system_actor(actor.organization_id), name="W")

    async def create(number: int) -> bool:
        try:
            async with database.transaction(actor.organization_id) as session:
                await flows.create(session, actor, workspace_id=workspace.id, name=f"flow {number}")
        except LimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(create(number) for number in range(20)))) == 10
    async with database.transaction(actor.organization_id) as session:
        assert await flows.count(session, actor.organization_id) == 10


async def test_a_plugin_decides_first_and_a_broken_one_denies(database, actor, host) -> None:
    class Beta:
        @hookimpl(tryfirst=True)
        def headrace_feature_enabled(self, feature, organization):
            if feature == "broken":
                raise RuntimeError
            return True if feature == "dedicated_infrastructure" else None

    host.register_default(Beta())
    async with database.transaction(actor.organization_id) as session:
        assert (await service.check_feature(session, "dedicated_infrastructure")).enabled
        assert not (await service.check_feature(session, "broken")).enabled
        assert (await service.check_feature(session, "lineage")).enabled


async def test_what_models_cost_is_counted_by_month_and_organization(database, actor) -> None:
    other = new_id()
    async with database.transaction(other) as session:
        await session.execute(sa.text("insert into organizations (id, name, slug) values (:o, 'o', 'o')"), {"o": other})
        await counts.spend(session, other, 9_000_000)

    async def spends() -> None:
        async with database.transaction(actor.organization_id) as session:
            await counts.spend(session, actor.organization_id, 250_001)

    await asyncio.gather(*(spends() for _ in range(8)))
    async with database.transaction(actor.organization_id) as session:
        assert (await service.usage(session, "ai_cost_usd")).used == 3, "2.000008 US dollars, rounded up"
        with pytest.raises(ValueError, match="not negative"):
            await counts.spend(session, actor.organization_id, -1)
