"""`headrace doctor`: settings, plugins, databases; `--deep` checks the invariants of every execution."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click


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
    from headrace.executions.invariants import RULES, SHOWN
    from headrace.executions.invariants import check as invariants
    from headrace.infra import health
    from headrace.infra.database import Database
    from headrace.infra.migrate import heads
    from headrace.infra.store import Store
    from headrace.triggers.sources import LEFT
    from headrace.worker.maintenance import orphaned

    database = Database.from_url(
        (settings.database_worker_url or settings.database_url).reveal(),
        pool_size=2,
        name="headrace-doctor",
        servers=settings.database_servers,
    )
    try:
        results = await health.run_checks({
            "database": health.database_check(database), "role": health.role_check(database),
            "migrations": health.migrations_check(database, heads()),
            "keys": health.keys_check(database, settings.key_ring()), "months": health.months_check(database),
            "redis": health.redis_check(settings.redis_url.reveal()),
        })  # fmt: skip
        found = [{"name": r.name, "ok": r.ok, "detail": r.message} for r in results]
        if all(r.ok for r in results if r.name in {"database", "migrations"}):
            async with database.transaction() as session:
                left = (await session.execute(LEFT)).all()
            found += [
                {"name": f"deleted trigger {row.id}", "ok": False,
                 "detail": f"{row.holds} is left behind ({row.error}); free it by hand"}
                for row in left
            ]  # fmt: skip
        if deep and all(r.ok for r in results if r.name == "database"):
            async with database.transaction() as session:
                broken = {v.id: v.places for v in await invariants(session)}
            found += [
                {"name": f"{rule.id} {rule.text}", "ok": rule.id not in broken,
                 "detail": ", ".join(broken.get(rule.id, ()))}
                for rule in RULES
            ]  # fmt: skip
            orphans = await orphaned(database, Store(settings.objects_url))
            detail = (
                f"{', '.join(orphans[:SHOWN])}: the scheduler removes them once a day; does it run?" if orphans else ""
            )
            found.append({"name": "stored objects belong to executions", "ok": not orphans, "detail": detail})
        return found
    finally:
        await database.close()
