"""Plans as data: changed while everything runs, seen at once everywhere; downgrades make the surplus read-only."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from headrace.accounts import invitations, service_accounts
from headrace.accounts import service as accounts
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.entitlements import plans, preview, service, subscriptions
from headrace.flows import files, versions
from headrace.flows import service as flows
from headrace.flows import text as flow_text
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import ConfigError, Conflict, Denied, LimitReached, NotFound, PreconditionFailed
from headrace.workspaces import service as workspaces

EDITIONS = [f"edition-{name}" for name in ("community", "standard", "premium", "enterprise")]


@pytest.fixture
def host():
    before = list(service._process)
    made = load_plugins(only=EDITIONS)
    service.use_host(made)
    yield made
    service._process[:] = before


@pytest.fixture
async def boss(database, host) -> Actor:
    async with database.transaction() as session:
        organization = await accounts.create_organization(session, name="One")
    return Actor(
        organization_id=organization.id, role="owner", is_platform_admin=True, permissions=PERMISSIONS["owner"]
    )


async def limit(database, actor, key="flows") -> int:
    async with database.transaction(actor.organization_id) as session:
        return await service.limit_of(session, key)


async def test_own_plans_are_made_changed_and_removed(database, boss):
    async with database.transaction(boss.organization_id) as session:
        made = await plans.create(session, boss, key="tiny", edition="standard", title="Tiny",
                                  features={"lineage": True, "ai": False}, limits={"flows": 2})  # fmt: skip
        assert (made.origin, made.edition, made.row_version) == ("own", "standard", 1)
        await subscriptions.subscribe(session, boss, plan="tiny")
        assert await service.limit_of(session, "flows") == 2
        on = await service.enabled_features(session)
        assert (on["lineage"], on["ai"], on["reports"]) == (True, False, True)
        with pytest.raises(Conflict, match="there is a plan 'tiny'"):
            await plans.create(session, boss, key="tiny", edition="standard", title="T", features={}, limits={})
    async with database.transaction(boss.organization_id) as session:
        await plans.update(session, boss, "tiny", row_version=1, limits={"flows": 3})
        with pytest.raises(PreconditionFailed):
            await plans.update(session, boss, "tiny", row_version=1, limits={"flows": 4})
    assert await limit(database, boss) == 3
    async with database.transaction(boss.organization_id) as session:
        assert await preview.users_of(session, boss, "tiny") == 1
        with pytest.raises(Conflict, match="1 organizations have the plan"):
            await plans.delete(session, boss, "tiny", users=1)
        await subscriptions.delete(session, boss)
        await plans.delete(session, boss, "tiny", users=0)
        with pytest.raises(NotFound):
            await plans.get(session, "tiny")


async def test_a_plan_of_a_package_may_be_changed_and_given_back(database, boss):
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, plan="starter")
        changed = await plans.update(session, boss, "starter", row_version=0, limits={"flows": 7})
        assert (changed.origin, changed.plan.title, changed.edition) == ("changed", "Starter", "standard")
    assert await limit(database, boss) == 7
    assert await limit(database, boss, "connections") == -1, "limits are replaced as a whole"
    async with database.transaction(boss.organization_id) as session:
        await plans.delete(session, boss, "starter", users=1)
    assert await limit(database, boss) == 25


async def test_plans_of_what_does_not_exist_are_refused(database, boss):
    async with database.transaction(boss.organization_id) as session:
        for key, features, limits, said in (
            ("x", {"flying": True}, {}, "there is no feature 'flying'"), ("x", {}, {"flows": -2}, "0 or more"),
            ("x", {}, {"elephants": 3}, "there is no limit 'elephants'"), ("X-1", {}, {}, "a key has 1 to 63"),
            ("x" * 64, {}, {}, "a key has 1 to 63"), ("x\x00", {}, {}, "a key has 1 to 63"),
        ):  # fmt: skip
            with pytest.raises(ConfigError, match=said):
                await plans.create(
                    session, boss, key=key, edition="standard", title="X", features=features, limits=limits
                )
        for attempt in (
            subscriptions.override_feature(session, boss, "flying", enabled=True),
            subscriptions.override_limit(session, boss, "elephants", value=3),
            subscriptions.remove_override(session, boss, "\x00"),
        ):
            with pytest.raises(ConfigError):
                await attempt


async def test_only_platform_admins_change_what_there_is(database, boss):
    owner = Actor(organization_id=boss.organization_id, role="owner", permissions=PERMISSIONS["owner"])
    async with database.transaction(boss.organization_id) as session:
        for attempt in (
            plans.create(session, owner, key="x", edition="standard", title="X", features={}, limits={}),
            plans.update(session, owner, "starter", row_version=0, limits={}),
            plans.delete(session, owner, "starter", users=0),
            plans.change_edition(session, owner, "premium", enabled=False),
            plans.put_feature(session, owner, "beta", name="Beta", default_enabled=True),
            subscriptions.create(session, owner, plan="premium"),
            subscriptions.delete(session, owner),
            subscriptions.organizations(session, owner),
            preview.preview(session, owner, preview.Wish(plan="premium"), database),
        ):
            with pytest.raises(Denied):
                await attempt


async def test_a_switched_off_edition_allows_nothing_new_and_comes_back(database, boss):
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, plan="premium")
        await plans.change_edition(session, boss, "premium", enabled=False)
    async with database.transaction(boss.organization_id) as session:
        assert await service.limit_of(session, "flows") == 0
        assert not (await service.check_feature(session, "lineage")).enabled
        with pytest.raises(ConfigError, match="'premium' is switched off"):
            await subscriptions.subscribe(session, boss, edition="premium")
        with pytest.raises(Conflict, match="stays on"):
            await plans.change_edition(session, boss, "community", enabled=False)
        await plans.change_edition(session, boss, "premium", enabled=True, features=frozenset({"sso"}))
    async with database.transaction(boss.organization_id) as session:
        assert await service.limit_of(session, "flows") == 100
        assert (await service.check_feature(session, "sso")).enabled
        assert not (await service.check_feature(session, "lineage")).enabled
        await plans.change_edition(session, boss, "premium", reset_features=True)
    async with database.transaction(boss.organization_id) as session:
        assert (await service.check_feature(session, "lineage")).source == "plan"


async def test_a_feature_is_switched_by_default_for_who_has_no_say(database, boss):
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, plan="standard")
        await plans.put_feature(session, boss, "streaming", name="", default_enabled=True)
    async with database.transaction(boss.organization_id) as session:
        assert (await service.check_feature(session, "streaming")) == service.resolve.FeatureAnswer(
            "streaming", enabled=True, source="default"
        )
        await plans.delete_feature(session, boss, "streaming")
    async with database.transaction(boss.organization_id) as session:
        assert not (await service.check_feature(session, "streaming")).enabled


async def test_other_processes_judge_by_the_change_at_once_and_never_by_one_that_was_rolled_back(database, boss, host):
    other = load_plugins(only=EDITIONS)
    mine = service._process[0]
    service.use_host(other)
    theirs = service._process[0]
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, plan="premium")
    for process in (mine, theirs):
        service._process[:] = [process]
        assert await limit(database, boss) == 100
    with pytest.raises(RuntimeError):
        async with database.transaction(boss.organization_id) as session:
            await plans.update(session, boss, "premium", row_version=0, limits={"flows": 5})
            assert await service.limit_of(session, "flows") == 5
            raise RuntimeError
    for process in (mine, theirs):
        service._process[:] = [process]
        assert await limit(database, boss) == 100
    async with database.transaction(boss.organization_id) as session:
        await plans.update(session, boss, "premium", row_version=0, limits={"flows": 6})
    for process in (mine, theirs):
        service._process[:] = [process]
        assert await limit(database, boss) == 6


async def test_a_downgrade_waits_for_the_end_of_the_period(database, boss, monkeypatch):
    end = now() + timedelta(days=3)
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, plan="premium")
        with pytest.raises(ConfigError, match="no end of a period"):
            await subscriptions.subscribe(session, boss, plan="standard", effective="period_end")
        await subscriptions.subscribe(session, boss, plan="premium", period_end=end)
        await subscriptions.subscribe(session, boss, plan="standard", effective="period_end")
    assert await limit(database, boss) == 100
    monkeypatch.setattr(service, "now", lambda: end)
    assert await limit(database, boss) == 10


async def test_a_subscription_that_is_over_allows_nothing_new_and_changes_nothing_that_is_there(database, boss):
    async with database.transaction(boss.organization_id) as session:
        space = await workspaces.create_workspace(session, boss, name="W")
        flow = await flows.create(session, boss, workspace_id=space.id, name="f")
        for status, days, open_ in (
            ("trialing", 3, True), ("trialing", -1, False), ("past_due", -1, True), ("suspended", 3, False),
            ("cancelled", 3, True), ("cancelled", -1, False), ("active", -1, True),
        ):  # fmt: skip
            await subscriptions.subscribe(
                session, boss, plan="premium", status=status, period_start=now() - timedelta(days=9),
                period_end=now() + timedelta(days=days),
            )  # fmt: skip
            assert (await service.limit_of(session, "flows") > 0) is open_, (status, days)
            assert await service.limit_of(session, "concurrent_executions") == 20, "what is there may be executed"
            await flows.update(session, boss, flow.id, {"description": status}, flow.row_version)


TEXT = "headrace: 1\nname: {}\n"


async def test_after_a_downgrade_the_newest_can_be_read_and_deleted_only(database, boss):
    async with database.transaction(boss.organization_id) as session:
        space = await workspaces.create_workspace(session, boss, name="W")
        made = [await flows.create(session, boss, workspace_id=space.id, name=f"f{n}") for n in range(4)]
        await plans.create(session, boss, key="two", edition="standard", title="Two", features={}, limits={"flows": 2})
        await subscriptions.subscribe(session, boss, plan="two")
    first, last = made[1].id, made[3].id
    async with database.transaction(boss.organization_id) as session:
        await flows.update(session, boss, first, {"description": "x"}, 1)
        assert (await flows.get(session, boss, last)).name == "f3"
        for attempt in (
            lambda: flows.update(session, boss, last, {"description": "x"}, 1),
            lambda: flows.put_data(session, boss, last, flows.EMPTY, 1),
            lambda: versions.check_in(session, boss, last),
            lambda: flows.create(session, boss, workspace_id=space.id, name="new"),
            lambda: files.bring_in(session, boss, space.id, flow_text.parse(TEXT.format("new"))),
        ):
            with pytest.raises(LimitReached):
                await attempt()
    async with database.transaction(boss.organization_id) as session:
        for one in (made[0].id, made[1].id):
            await flows.delete(session, boss, one)
        await flows.update(session, boss, last, {"description": "now"}, 1)
        assert await flows.count(session, boss.organization_id) == 2, "nothing was deleted but by us"


async def test_what_comes_back_from_the_trash_is_counted(database, boss):
    async with database.transaction(boss.organization_id) as session:
        space = await workspaces.create_workspace(session, boss, name="W")
        other = await workspaces.create_workspace(session, boss, name="V")
        for n in range(3):
            await flows.create(session, boss, workspace_id=space.id, name=f"f{n}")
        await workspaces.delete_workspace(session, boss, space.id)
        await subscriptions.override_limit(session, boss, "flows", value=2)
    with pytest.raises(LimitReached, match="allows 2 flows"):
        async with database.transaction(boss.organization_id) as session:
            await workspaces.restore_workspace(session, boss, space.id)
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.override_limit(session, boss, "flows", value=3)
        await subscriptions.override_limit(session, boss, "workspaces", value=1)
        with pytest.raises(LimitReached, match="allows 1 workspaces"):
            await workspaces.restore_workspace(session, boss, space.id)
        await workspaces.delete_workspace(session, boss, other.id)
        await workspaces.restore_workspace(session, boss, space.id)
        assert await flows.count(session, boss.organization_id) == 3


async def test_members_and_invitations_share_the_seats(database, boss):
    async def join(session, name):
        user = await accounts.create_user(session, email=f"{name}@example.org", password=None)
        return await accounts.add_member(session, boss.organization_id, user.id, "viewer")

    async with database.transaction(boss.organization_id) as session:
        await subscriptions.override_limit(session, boss, "users", value=3)
        one = await join(session, "one")
        await join(session, "two")
        await service_accounts.create(session, boss, name="Robot", role="viewer")
        await invitations.invite(session, boss, email="three@example.org", role="viewer")
        with pytest.raises(LimitReached, match="allows 3 users"):
            await invitations.invite(session, boss, email="four@example.org", role="viewer")
        await accounts.deactivate_member(session, boss, one.user_id)
        await join(session, "five")
        await join(session, "six")
        with pytest.raises(LimitReached):
            await accounts.activate_member(session, boss, one.user_id)
        assert (await service.usage(session, "users")).remaining == 0
        with pytest.raises(LimitReached):
            await join(session, "seven")


async def test_of_thirty_who_join_at_once_ten_get_in(database, boss):
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.override_limit(session, boss, "users", value=10)

    async def join(n):
        try:
            async with database.transaction(boss.organization_id) as session:
                user = await accounts.create_user(session, email=f"u{n}@example.org", password=None)
                await accounts.add_member(session, boss.organization_id, user.id, "viewer")
        except LimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(join(n) for n in range(30)))) == 10


async def test_a_preview_tells_who_loses_what_and_changes_nothing(database, boss):
    async with database.transaction() as session:
        other = (await accounts.create_organization(session, name="Two")).id
    async with database.transaction(boss.organization_id) as session:
        async with subscriptions.of(session, boss, other):
            space = await workspaces.create_workspace(
                session, Actor(organization_id=other, permissions=PERMISSIONS["owner"]), name="W"
            )
            for n in range(12):
                await flows.create(session, Actor(organization_id=other), workspace_id=space.id, name=f"f{n}")
            await subscriptions.create(session, boss, plan="premium")
        wish = preview.Wish(organization_id=other, plan="standard")
        (move,) = await preview.preview(session, boss, wish, database)
        assert {"lineage", "monitoring"} <= set(move.loses)
        assert move.gains == []
        flows_move = next(one for one in move.limits if one.limit == "flows")
        assert (flows_move.before, flows_move.after, flows_move.used, flows_move.beyond) == (100, 10, 12, 2)
        (move,) = await preview.preview(session, boss, preview.Wish(edition="premium", enabled=False), database)
        assert (move.organization, move.organization_id) == ("Two", other)
        wish = preview.Wish(plan="premium", limits={"flows": 200}, features={"sso": True})
        (move,) = await preview.preview(session, boss, wish, database)
        assert (move.gains, move.loses) == (["sso"], [])
        assert await preview.preview(session, boss, preview.Wish(plan="growth", limits={"flows": 1}), database) == []
        assert session.info["organization_id"] == boss.organization_id
        with pytest.raises(NotFound):
            await preview.preview(session, boss, preview.Wish(organization_id=new_id(), plan="standard"), database)
        async with subscriptions.of(session, boss, other):
            assert await service.limit_of(session, "flows") == 100
        assert await session.scalar(sa.text("select count(*) from plans")) == 0


async def test_the_list_of_organizations_is_closed_again(database, boss):
    async with database.transaction() as session:
        await accounts.create_organization(session, name="Two")
    async with database.transaction(boss.organization_id) as session:
        found, total = await subscriptions.organizations(session, boss)
        assert ([name for _, name in found], total) == (["One", "Two"], 2)
        assert await session.scalar(sa.text("select count(*) from organizations")) == 1
