"""What looks at all organizations looks into their own databases too: the doctor, and previews of plans."""

from __future__ import annotations

import asyncio
import json
import secrets

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from headrace.accounts.permissions import Actor
from headrace.cli import doctor
from headrace.entitlements import preview
from headrace.infra.homes import url_at
from headrace.infra.ids import new_id
from headrace.infra.moving import Mover
from headrace.infra.roles import drop_database
from headrace.sdk.errors import TransientError
from headrace.testing.branches import branches

FILL = (
    "insert into organizations (id, name, slug) values (:o, 'Works', 'works')",
    "insert into workspaces (organization_id, id, name) values (:o, :w, 'W')",
    "insert into flows (organization_id, id, workspace_id, name) values (:o, :w, :w, 'One')",
    "insert into flows (organization_id, id, workspace_id, name) values (:o, :o, :w, 'Two')",
)


@pytest.fixture
async def moved(database, database_urls):
    """An organization with two flows in a database of its own: its id and the place."""
    organization, workspace, name = new_id(), new_id(), f"own_{secrets.token_hex(6)}"
    async with database.transaction(organization) as session:
        for statement in FILL:
            given = {"o": organization, "w": workspace}
            await session.execute(sa.text(statement), {key: given[key] for key in given if f":{key}" in statement})
        begin = sa.text("insert into homes (id, place) values (:id, :place)")
        await session.execute(begin, {"id": organization, "place": name})
    await asyncio.to_thread(Mover(database_urls.owner_url, branches()).carry_on_all)
    yield organization, name
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        drop_database(owner, name)


async def test_the_doctor_looks_at_every_database(moved, database, database_urls, headrace_settings, monkeypatch):
    organization, place = moved
    monkeypatch.setattr("headrace.cli.local.running_settings", lambda: headrace_settings)

    async def told() -> tuple[int, dict[str, dict]]:
        done = await asyncio.to_thread(CliRunner().invoke, doctor.command, ["--deep", "--json"])
        return done.exit_code, {check["name"]: check for check in json.loads(done.stdout)["checks"]}

    _, checks = await told()
    here = {name.removeprefix(f"{place}: ") for name in checks if name.startswith(f"{place}: ")}
    assert here >= {"database", "role", "migrations", "months", "stored objects belong to executions"}
    shared = {name.split()[0] for name in checks if name[0] == "I"}
    assert {name.split()[0] for name in here if name[0] == "I"} == shared, "every invariant in every database"
    assert all(checks[f"{place}: {name}"]["ok"] for name in here), checks

    with psycopg.connect(url_at(database_urls.owner_url, place, ()), autocommit=True) as own:
        own.execute("update alembic_version set version_num = '0000' where version_num !~ '^billing'")
    code, checks = await told()
    assert (code, checks[f"{place}: migrations"]["ok"], checks["migrations"]["ok"]) == (1, False, True)

    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        owner.execute("update homes set place = 'own@db.example:5432'")
    code, checks = await told()
    lost = checks[f"database of organization {organization}"]
    assert (code, lost["ok"]) == (1, False)
    assert "HEADRACE_DATABASE_SERVERS" in lost["detail"]


async def test_a_preview_counts_where_an_organization_lives(moved, database, database_urls):
    organization, place = moved
    boss = Actor(organization_id=organization, is_platform_admin=True)
    wish = preview.Wish(organization_id=organization, edition="community", plan="free")

    async def flows() -> int | None:
        async with database.transaction(organization, here=True) as session:
            (move,) = await preview.preview(session, boss, wish, database)
        return next(one.used for one in move.limits if one.limit == "flows")

    assert await flows() == 2
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        drop_database(owner, place)
    with pytest.raises(TransientError):
        await flows()
