"""Standard edition: plans `standard` and `starter`."""

from headrace.sdk import EditionManifest, Plan, hookimpl

FEATURES = frozenset({"ai", "reports", "shares", "git_sync"})


@hookimpl
def headrace_editions() -> list[EditionManifest]:
    """Offer the edition."""
    standard = Plan(
        id="standard",
        title="Standard",
        price="99 USD a month",
        limits={"flows": 10, "connections": 10, "executions": 100, "users": 5, "concurrent_executions": 5},
    )
    starter = Plan(
        id="starter",
        title="Starter",
        limits={"flows": 25, "connections": 10, "executions": 1_000, "users": 10, "concurrent_executions": 5},
    )
    return [EditionManifest(id="standard", title="Standard", plans=(standard, starter), features=FEATURES)]
