"""Premium grows from plan to plan and has lineage and monitoring."""

from itertools import pairwise

from headrace.plugins.manager import load_plugins


def test_grows() -> None:
    edition = load_plugins(only=["edition-premium"], strict=True).registry.editions["premium"]
    assert [plan.id for plan in edition.plans] == ["premium", "growth", "scale"]
    for small, large in pairwise(edition.plans):
        assert all(large.limits[key] >= small.limits[key] for key in small.limits)
    assert {"lineage", "monitoring"} <= edition.features
    assert edition.features.isdisjoint({"sso", "dedicated_infrastructure"})
