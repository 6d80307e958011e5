"""Jobs that were kept as drafts act once the database is migrated; drafts of flows stay drafts."""

from __future__ import annotations

import psycopg
from headrace.infra import migrate
from headrace.infra.ids import new_id


def test_schedules_of_jobs_are_armed_by_the_migration(database_urls):
    migrate.downgrade(database_urls.owner_url, "0024")
    owner = new_id()
    with psycopg.connect(database_urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(owner)])
        app.execute("insert into organizations (id, name, slug) values (%(o)s, 'O', %(o)s)", {"o": owner})
        app.execute("insert into workspaces (organization_id, id, name) values (%(o)s, %(o)s, 'W')", {"o": owner})
        for kind in ("job", "job_package", "automation"):
            ids = {"o": owner, "f": new_id(), "t": new_id(), "kind": kind}
            app.execute("insert into flows (organization_id, id, workspace_id, name, kind) "
                        "values (%(o)s, %(f)s, %(o)s, %(kind)s, %(kind)s)", ids)  # fmt: skip
            app.execute("insert into triggers (organization_id, id, flow_id, type, mode) "
                        "values (%(o)s, %(t)s, %(f)s, 'cron', 'time')", ids)  # fmt: skip
    migrate.upgrade(database_urls.owner_url)
    with psycopg.connect(database_urls.app_url) as app:
        app.execute("select set_config('app.organization_id', %s, false)", [str(owner)])
        query = """select f.kind, f.status, t.armed from flows f join triggers t on t.flow_id = f.id order by 1"""
        assert app.execute(query).fetchall() == [
            ("automation", "draft", False), ("job", "active", True), ("job_package", "active", True),
        ]  # fmt: skip
    with psycopg.connect(database_urls.owner_url) as admin:
        query = "select relforcerowsecurity from pg_class where oid in ('flows'::regclass, 'triggers'::regclass)"
        assert admin.execute(query).fetchall() == [(True,), (True,)]
