"""Enterprise edition: everything, without limits."""

from headrace.sdk import EditionManifest, Plan, hookimpl


@hookimpl
def headrace_editions() -> list[EditionManifest]:
    """Offer the edition."""
    plan = Plan(id="enterprise", title="Enterprise")
    return [EditionManifest(id="enterprise", title="Enterprise", plans=(plan,), features=frozenset({"*"}))]
