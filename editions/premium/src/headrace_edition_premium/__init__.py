"""Premium edition: plans `premium`, `growth` and `scale`, with lineage and monitoring."""

from headrace.sdk import EditionManifest, Plan, hookimpl

FEATURES = frozenset(
    {
        "ai",
        "ai_premium",
        "audit_export",
        "collaboration",
        "git_sync",
        "lineage",
        "monitoring",
        "reports",
        "shares",
        "streaming",
    }
)


@hookimpl
def headrace_editions() -> list[EditionManifest]:
    """Offer the edition."""
    premium = Plan(
        id="premium",
        title="Premium",
        price="299 USD a month",
        limits={"flows": 100, "connections": 50, "executions": 1_000, "users": 50, "concurrent_executions": 20},
    )
    growth = Plan(
        id="growth",
        title="Growth",
        limits={"flows": 100, "connections": 50, "executions": 10_000, "users": 50, "concurrent_executions": 20},
    )
    scale = Plan(
        id="scale",
        title="Scale",
        limits={"flows": 1_000, "connections": 200, "executions": 100_000, "users": 250, "concurrent_executions": 100},
    )
    return [EditionManifest(id="premium", title="Premium", plans=(premium, growth, scale), features=FEATURES)]
