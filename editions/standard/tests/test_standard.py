"""Standard is limited and has neither lineage nor monitoring."""

from headrace.plugins.manager import load_plugins


def test_is_limited() -> None:
    edition = load_plugins(only=["edition-standard"], strict=True).registry.editions["standard"]
    assert edition.plans[0].limits == {
        "flows": 10,
        "connections": 10,
        "executions": 100,
        "users": 5,
        "concurrent_executions": 5,
    }
    assert edition.plans[1].limits == {
        "flows": 25,
        "connections": 10,
        "executions": 1_000,
        "users": 10,
        "concurrent_executions": 5,
    }
    assert edition.features.isdisjoint({"lineage", "monitoring", "sso", "dedicated_infrastructure"})
