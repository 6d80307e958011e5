"""The default of a fresh install has no limits."""

from headrace.plugins.manager import load_plugins


def test_the_first_plan_is_open() -> None:
    edition = load_plugins(only=["edition-community"], strict=True).registry.editions["community"]
    community, free = edition.plans
    assert community.limits == {}
    assert "*" in community.features
    assert free.limits == {
        "flows": 5,
        "connections": 3,
        "executions": 100,
        "users": 3,
        "concurrent_executions": 2,
        "api_requests": 100,
    }
