"""T-RLS: the catalogue of every table, and probes across tenants."""

import asyncio
import contextlib
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra import migrate
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict
from headrace.testing.branches import branches
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GLOBAL = {
    "alembic_version": "no data of anybody",
    "users": "a person may be a member of several organizations; reached through memberships",
    "second_factors": "of a person, closed to everybody else by the user of the transaction",
    "letters": "before somebody has an account or a membership; they hold no secret, and links as hashes only",
    "setup_tokens": "before the first organization",
    "plugin_states": "of the installation",
    "instance_state": "of the installation",
    "workers": "of the installation: machines that serve every organization",
    "editions": "of the installation: what its admins changed of packages",
    "features": "of the installation",
    "plans": "of the installation",
    "plan_features": "of the installation",
    "plan_limits": "of the installation",
    "homes": "read before it is known whose row it is: ids of organizations, and names of their databases",
    "billing_announcements": "of the installation: for everybody who is signed in",
    "billing_terms": "of the installation: for everybody who is signed in",
    "paused_queues": "of the installation: queues that nobody claims from for now",
}
"""Tables without an organization, each with its reason."""

SHARED_WITH_WORKER = {
    "executions", "segment_runs", "segment_attempts", "node_executions", "execution_events", "execution_logs", "outbox",
    "triggers", "trigger_events", "backfills",  # the scheduler finds what is due before it knows whose it is
    "trigger_keys", "assets", "asset_updates", "trigger_assets", "event_subscriptions", "event_deliveries",
    "trigger_ticks", "webhook_calls", "trigger_duplicates",  # retention drops what is old, whosever it is
    "websocket_connections",  # so does it, and closes what killed processes left
    "compensations",  # the doctor compares them with executions
    "data_keys",  # to read: rotation finds whose there are
}  # fmt: skip
"""Tables of which the worker role sees every row."""

TENANT = "organization_id"


@pytest.fixture
def owner(database_urls):
    with psycopg.connect(database_urls.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def tables(owner) -> dict[str, dict]:
    rows = owner.execute("""
        select c.relname, c.relrowsecurity, c.relforcerowsecurity,
               array(select a.attname::text from pg_attribute a
                     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') order by 1""").fetchall()
    return {name: {"on": on, "forced": forced, "columns": set(columns)} for name, on, forced, columns in rows}


def tenant_column(name: str, columns: set[str]) -> str | None:
    return "id" if name == "organizations" else TENANT if TENANT in columns else None


def test_every_table_is_closed_or_listed(tables) -> None:
    for name, table in tables.items():
        if tenant_column(name, table["columns"]):
            assert table["on"], f"{name}: row-level security is off"
            assert table["forced"], f"{name}: row-level security is not forced"
        else:
            assert name in GLOBAL, f"{name} has no organization_id; give it one, or list it with a reason"
    assert GLOBAL.keys() - {"workers"} <= tables.keys()


def test_policies_are_the_known_ones(owner, tables) -> None:  # noqa: PLR0912 - a case for each policy
    rows = owner.execute("""
        select tablename, policyname, roles::text[], qual, with_check from pg_policies
        where schemaname = 'public'""").fetchall()
    found: dict[str, set[str]] = {}
    for table, policy, roles, qual, check in rows:
        found.setdefault(table, set()).add(policy)
        column = tenant_column(table, tables[table]["columns"])
        if policy == "tenant":
            for text in (qual, check):
                assert (
                    text == f"({column} = (NULLIF(current_setting('app.organization_id'::text, true), ''::text))::uuid)"
                )
            assert roles == ["public"]
        elif policy == "worker":
            assert table in SHARED_WITH_WORKER, f"{table}: the worker must not see every organization"
            assert roles == ["headrace_worker"]
        elif policy == "hook":
            assert (table, roles, check) == ("triggers", ["public"], None)
            assert qual.count("current_setting('app.hook'::text, true)") == 2, (
                "only by an address that the caller shows"
            )
        elif policy == "key":
            assert (table, roles, check) == ("api_keys", ["public"], None)
            assert qual.count("current_setting('app.key'::text, true)") == 2, "only by a key that the caller shows"
        elif policy == "platform":
            assert (table, roles, check) == ("organizations", ["public"], None), "for reading the list of them only"
            assert qual == "(current_setting('app.platform'::text, true) = 'on'::text)"
        elif policy == "entrance":
            assert table in {"identity_providers", "organizations"}
            assert (roles, check) == (["public"], None), "strangers see ways to sign in, by a place that they name"
            assert "current_setting('app.entrance'::text, true)" in qual
        elif table == "second_factors":
            assert qual == check == "(user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)"
            assert tables[table]["on"]
            assert tables[table]["forced"]
        elif table == "organizations":
            assert (policy, roles, check) == ("own", ["public"], None)
            nobody = "((NULLIF(current_setting('app.organization_id'::text, true), ''::text))::uuid IS NULL)"
            assert nobody in qual, "only where no organization is chosen yet"
            assert "current_setting('app.user_id'::text, true)" in qual
        else:
            assert (table, policy) == ("memberships", "own")
    for name, table in tables.items():
        if tenant_column(name, table["columns"]):
            assert "tenant" in found.get(name, set()), f"{name} has no policy"


def test_keys_begin_with_the_organization(owner, tables) -> None:
    rows = owner.execute("""
        select c.relname, i.indexrelid::regclass::text, a.attname::text
        from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where n.nspname = 'public' and i.indisunique and c.relkind in ('r', 'p')""").fetchall()
    for table, index, first in rows:
        if TENANT in tables[table]["columns"]:
            assert first == TENANT or (table, index) in SEQUENTIAL, f"{table}: unique {index} does not begin with it"


SEQUENTIAL = {("outbox", "outbox_pkey")}
"""Keys given out by a sequence of ours, never by a caller: no oracle."""


def test_partitions_are_closed_even_to_who_may_use_the_table(owner) -> None:
    """Who may see what is said once, at the table: nobody reaches a partition without it."""
    rows = owner.execute("""
        select c.relname, c.relacl::text, array(select polname::text from pg_policy where polrelid = c.oid)
        from pg_class c where c.relispartition and c.relkind = 'r'""").fetchall()
    assert len(rows) >= 10
    for name, rights, policies in rows:
        assert "headrace_app" not in rights, name
        assert "headrace_worker" not in rights, name
        assert policies == ["tenant"], name


def test_references_carry_the_organization(owner, tables) -> None:
    rows = owner.execute("""
        select k.conrelid::regclass::text, k.conname, f.relname,
               array(select a.attname::text from unnest(k.conkey) with ordinality as u(n, o)
                     join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.o)
        from pg_constraint k join pg_class f on f.oid = k.confrelid where k.contype = 'f'""").fetchall()
    for table, name, target, columns in rows:
        if tenant_column(target, tables[target]["columns"]):
            assert columns[0] == TENANT, f"{table}: {name} could reach another organization's {target}"


def test_roles_have_no_way_around(owner) -> None:
    rows = owner.execute("""
        select rolname, rolsuper or rolbypassrls or rolcreaterole or rolreplication
          or (rolcreatedb and rolname <> 'headrace_owner') from pg_roles
        where rolname like 'headrace%' or rolname = 'demo'""").fetchall()
    assert {name for name, _ in rows} >= {"headrace_app", "headrace_worker", "headrace_owner", "demo"}
    assert [name for name, powerful in rows if powerful] == []
    owned = owner.execute(
        "select count(*) from pg_class where relowner in ('headrace_app'::regrole, 'headrace_worker'::regrole)"
    )
    assert owned.fetchone() == (0,)
    members = owner.execute("""
        select count(*) from pg_auth_members where member in ('headrace_app'::regrole, 'headrace_worker'::regrole)""")
    assert members.fetchone() == (0,)


def test_no_definer_functions_views_or_matviews(owner) -> None:
    functions = owner.execute("""
        select proname from pg_proc p join pg_namespace n on n.oid = pronamespace
        where nspname = 'public' and prosecdef""").fetchall()
    views = owner.execute("""
        select relname from pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname = 'public' and (relkind = 'm' or
          relkind = 'v' and not coalesce(reloptions::text, '') like '%security_invoker=true%')""").fetchall()
    assert (functions, views) == ([], [])


async def two_worlds(database: Database) -> list[tuple[UUID, UUID]]:
    worlds = []
    for name in ("alpha", "beta"):
        organization, workspace = new_id(), new_id()
        async with database.transaction(organization) as session:
            for statement in (
                "insert into organizations (id, name, slug) values (:o, :n, :n)",
                "insert into workspaces (organization_id, id, name) values (:o, :w, :n)",
                "insert into folders (organization_id, id, workspace_id, name) values (:o, :w, :w, :n)",
            ):
                await session.execute(sa.text(statement), {"o": organization, "w": workspace, "n": name})
        worlds.append((organization, workspace))
    return worlds


@pytest.mark.parametrize("role", ["app", "worker"])
@pytest.mark.parametrize("statement", [
    "select id from workspaces where id = :w",
    "select id from workspaces where organization_id = :o",
    "update workspaces set name = 'x' where id = :w returning id",
    "delete from workspaces where id = :w returning id",
    "select w.id from workspaces w join organizations o on true where w.id = :w",
    "with x as (select * from workspaces) select id from x where id = :w",
    "select id from organizations where id = :o",
])  # fmt: skip
async def test_rows_of_others_are_not_there(database, worker_database, role, statement) -> None:
    seen_by = database if role == "app" else worker_database
    (alpha, _), (beta, workspace) = await two_worlds(database)
    for organization in (alpha, None):
        async with seen_by.transaction(organization) as session:
            parameters = {key: value for key, value in (("o", beta), ("w", workspace)) if f":{key}" in statement}
            assert (await session.execute(sa.text(statement), parameters)).all() == []
    async with database.transaction(beta) as session:
        assert await session.scalar(sa.text("select name from workspaces")) == "beta"


@pytest.mark.parametrize("statement", [
    "insert into workspaces (organization_id, id, name) values (:o, gen_random_uuid(), 'planted')",
    "update workspaces set organization_id = :o",
    "alter table workspaces no force row level security",
    "alter table workspaces disable row level security",
    "drop policy tenant on workspaces",
    "set role headrace_owner",
    "set row_security = off; select * from workspaces",
    "create table mine (id int)",
    "insert into alembic_version values ('x')",
])  # fmt: skip
async def test_writing_for_others_is_refused(database, statement) -> None:
    (alpha, _), (beta, _) = await two_worlds(database)
    with pytest.raises(sa.exc.DBAPIError) as caught:
        async with database.transaction(alpha) as session:
            await session.execute(sa.text(statement), {"o": beta} if ":o" in statement else {})
    assert caught.value.orig.sqlstate in {"42501", "42601"}


async def test_references_to_others_look_like_references_to_nothing(database) -> None:
    (alpha, _), (_, workspace) = await two_worlds(database)
    said = []
    for target in (workspace, new_id()):
        with pytest.raises(Conflict) as caught:
            async with database.transaction(alpha) as session:
                await session.execute(
                    sa.text("insert into folders (organization_id, id, workspace_id, name) values (:o, :i, :w, 'x')"),
                    {"o": alpha, "i": new_id(), "w": target},
                )
        said.append((caught.value.message, caught.value.details))
    assert said[0] == said[1]


async def test_an_empty_setting_shows_nothing_and_is_no_error(database) -> None:
    await two_worlds(database)
    async with database.transaction() as session:
        await session.execute(sa.text("select set_config('app.organization_id', '', true)"))
        assert (await session.execute(sa.text("select id from workspaces"))).all() == []


def test_migrating_again_changes_nothing_and_down_is_clean(database_urls, owner) -> None:
    before = migrate.heads(branches())
    assert migrate.upgrade(database_urls.owner_url, branches()) == before
    migrate.downgrade(database_urls.owner_url, "core@base", branches())
    left = owner.execute(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r','p','S')"
    )
    assert left.fetchone() == (1,)
    assert migrate.upgrade(database_urls.owner_url, branches()) == before


def test_a_plugin_that_is_gone_keeps_its_tables_and_stops_no_migration(database_urls, owner) -> None:
    assert migrate.upgrade(database_urls.owner_url) == migrate.heads()
    assert owner.execute("select to_regclass('billing_tickets') is not null").fetchone() == (True,)
    assert migrate.upgrade(database_urls.owner_url, branches()) == migrate.heads(branches()), "and back again"


def test_migrating_needs_the_owner(database_urls) -> None:
    from headrace.infra.settings import Settings

    with pytest.raises(ConfigError, match="HEADRACE_DATABASE_OWNER_URL"):
        migrate.upgrade(Settings())


def test_models_and_tables_agree(database_urls) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from headrace.flows import service as _  # noqa: F401 - the tables that its own refer to
    from headrace.infra.database import sqlalchemy_url
    from headrace.infra.models import Base

    engine = sa.create_engine(sqlalchemy_url(database_urls.owner_url), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, Base.metadata)
    finally:
        engine.dispose()
    structural = [d for d in differences if isinstance(d, list) or d[0] in {"add_table", "add_column", "remove_column"}]
    assert structural == []


def test_every_step_of_the_migrations_leaves_every_table_closed(database_urls, owner) -> None:
    """An installation may stop at any of them: T-RLS-1 holds there too."""
    names = sorted(
        path.name.partition("_")[0]
        for path in (Path(migrate.__file__).parents[1] / "migrations/versions").glob("0*.py")
    )
    migrate.downgrade(database_urls.owner_url, "core@base")
    for revision in names:
        migrate.upgrade(database_urls.owner_url, revision=revision)
        open_ones = owner.execute("""
            select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
              and not c.relispartition and not (c.relrowsecurity and c.relforcerowsecurity)
              and (c.relname = 'organizations' or exists (select 1 from pg_attribute a where a.attrelid = c.oid
                   and a.attname = 'organization_id' and not a.attisdropped))""").fetchall()
        assert open_ones == [], f"after {revision}"
        without = owner.execute("""
            select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
              and c.relrowsecurity and not exists (select 1 from pg_policy p where p.polrelid = c.oid)
              and not c.relispartition""").fetchall()
        assert without == [], f"after {revision}: closed, and no policy lets anybody in"
    assert migrate.upgrade(database_urls.owner_url) == migrate.heads()


WHO, WHAT = ("alpha", "beta"), st.integers(0, 5)
DOES = st.sampled_from(["make", "make", "rename", "drop", "empty", "fail"])
STEPS = st.lists(st.tuples(st.sampled_from(WHO), DOES, WHAT, WHAT), max_size=25)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_two_do_by_turns_is_as_in_databases_of_their_own(database_urls, steps) -> None:
    """T-RLS-4: ids and names are shared on purpose, and nobody names an organization in a statement but to insert."""
    ids = [UUID(int=number + 1) for number in range(6)]
    makes = sa.text("""
        insert into workspaces (organization_id, id, name)
        values (cast(current_setting('app.organization_id') as uuid), :id, :name) on conflict do nothing""")
    does = {
        "rename": sa.text("update workspaces set name = :name where id = :id"),
        "drop": sa.text("delete from workspaces where id = :id"), "empty": sa.text("delete from workspaces"),
    }  # fmt: skip
    apart: dict[str, dict[UUID, str]] = {who: {} for who in WHO}

    async def together() -> dict[str, dict[UUID, str]]:
        database = Database.from_url(database_urls.app_url, pool_size=1, max_overflow=0)  # they take turns on it
        organizations = {who: new_id() for who in WHO}
        seen = {}
        try:
            for who, mine in organizations.items():
                async with database.transaction(mine) as session:
                    statement = "insert into organizations (id, name, slug) values (:o, :n, :s)"
                    await session.execute(sa.text(statement), {"o": mine, "n": who, "s": str(mine)})
            for who, what, one, number in steps:
                with contextlib.suppress(ZeroDivisionError):
                    async with database.transaction(organizations[who]) as session:
                        given_ = {"id": ids[one], "name": f"{number}-{ids[one].int}"}
                        await session.execute(makes if what == "make" else does.get(what, does["empty"]), given_)
                        if what == "fail":
                            raise ZeroDivisionError
            for who, mine in organizations.items():
                async with database.transaction(mine) as session:
                    rows = (await session.execute(sa.text("select id, name from workspaces"))).all()
                    seen[who] = {row.id: row.name for row in rows}
        finally:
            await database.close()
        return seen

    for who, what, one, number in steps:
        mine, id_, name = apart[who], ids[one], f"{number}-{ids[one].int}"
        if what == "make":
            mine.setdefault(id_, name)
        elif what == "rename" and id_ in mine:
            mine[id_] = name
        elif what == "drop":
            mine.pop(id_, None)
        elif what == "empty":
            mine.clear()
    assert asyncio.run(together()) == apart
