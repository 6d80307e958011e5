"""`headrace doctor`: settings, plugins, every database; `--deep` checks the invariants of every execution."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from headrace.infra.database import Database


@click.command("doctor")
@click.option("--deep", is_flag=True, help="Check the invariants of executions too.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(deep: bool, as_json: bool) -> None:
    """Check this install; exit 1 when something is wrong."""
    from headrace.cli.local import running_settings
    from headrace.plugins.manager import load_plugins

    host = load_plugins()
    checks = [{"name": f"plugin {r.name}", "ok": r.state != "failed", "detail": r.reason} for r in host.records]
    settings = running_settings()
    if settings is None:
        checks.append(
            {"name": "services", "ok": not deep, "detail": "headrace is not running here; start it to check more"}
        )
    else:
        checks += asyncio.run(_services(settings, deep=deep))
    bad = [check for check in checks if not check["ok"]]
    if as_json:
        click.echo(json.dumps({"ok": not bad, "checks": checks}, indent=2, default=str))
    else:
        for check in bad or checks[-3:]:
            click.echo(f"{'ok ' if check['ok'] else 'BAD'} {check['name']} {check['detail']}")
        click.echo(f"{len(checks)} checks, {len(bad)} bad")
    sys.exit(1 if bad else 0)


async def _services(settings: Any, *, deep: bool) -> list[dict[str, Any]]:
    from headrace.infra import health
    from headrace.infra.database import Database

    database = Database.from_url(
        (settings.database_worker_url or settings.database_url).reveal(),
        pool_size=2,
        name="headrace-doctor",
        servers=settings.database_servers,
    )
    try:
        found = await _checked({
            "database": health.database_check(database),
            "keys": health.keys_check(database, settings.key_ring()),
            "redis": health.redis_check(settings.redis_url.reveal()),
        })  # fmt: skip
        if not found[0]["ok"]:
            return found
        unserved: list[tuple[UUID, str]] = []
        places = await database.everywhere(unserved)
        found += [_said(f"database of organization {id_}", problem) for id_, problem in unserved]
        for one in places:
            found += await _look(one, settings, deep=deep)
        return found
    finally:
        await database.close()


async def _checked(checks: Mapping[str, Any]) -> list[dict[str, Any]]:
    from headrace.infra import health

    return [_said(one.name, one.message) for one in await health.run_checks(checks)]


def _said(name: str, problem: str) -> dict[str, Any]:
    return {"name": name, "ok": not problem, "detail": problem}


async def _look(database: Database, settings: Any, *, deep: bool) -> list[dict[str, Any]]:
    """One database: the shared one, or an organization's own, whose name each check then has."""
    from headrace.infra import health
    from headrace.infra.migrate import heads

    where = f"{database.place}: " if database.place else ""
    checks = {
        "database": health.database_check(database), "role": health.role_check(database),
        "migrations": health.migrations_check(database, heads()), "months": health.months_check(database),
    }  # fmt: skip
    found = await _checked({f"{where}{name}": check for name, check in checks.items() if where or name != "database"})
    bad = {one["name"].removeprefix(where) for one in found if not one["ok"]}
    if not bad & {"database", "migrations"}:
        found += await _left(database, where)
        found += await _deeply(database, settings, where) if deep else []
    return found


async def _left(database: Database, where: str) -> list[dict[str, Any]]:
    from headrace.triggers.sources import LEFT

    async with database.transaction() as session:
        rows = (await session.execute(LEFT)).all()
    return [
        _said(f"{where}deleted trigger {row.id}", f"{row.holds} is left behind ({row.error}); free it by hand")
        for row in rows
    ]


async def _deeply(database: Database, settings: Any, where: str) -> list[dict[str, Any]]:
    from headrace.executions.invariants import RULES, SHOWN
    from headrace.executions.invariants import check as invariants
    from headrace.infra.store import Store
    from headrace.worker.maintenance import orphaned

    async with database.transaction() as session:
        broken = {one.id: one.places for one in await invariants(session)}
    found = [_said(f"{where}{rule.id} {rule.text}", ", ".join(broken.get(rule.id, ()))) for rule in RULES]
    orphans = await orphaned(database, Store(settings.objects_url))
    why = f"{', '.join(orphans[:SHOWN])}: the scheduler removes them once a day; does it run?" if orphans else ""
    return [*found, _said(f"{where}stored objects belong to executions", why)]
