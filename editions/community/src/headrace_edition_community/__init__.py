"""Community edition: everything but dedicated infrastructure, without limits; and a plan `free`."""

from headrace.sdk import EditionManifest, Plan, hookimpl

FREE = frozenset({"ai", "reports", "shares", "git_sync"})


@hookimpl
def headrace_editions() -> list[EditionManifest]:
    """Offer the edition."""
    community = Plan(id="community", title="Community", features=frozenset({"*", "-dedicated_infrastructure"}))
    free = Plan(
        id="free",
        title="Free",
        features=FREE,
        limits={
            "flows": 5,
            "connections": 3,
            "executions": 100,
            "users": 3,
            "concurrent_executions": 2,
            "api_requests": 100,
        },
    )
    return [EditionManifest(id="community", title="Community", plans=(community, free))]
