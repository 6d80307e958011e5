"""Enterprise has everything and no limit."""

from headrace.plugins.manager import load_plugins


def test_is_open() -> None:
    edition = load_plugins(only=["edition-enterprise"], strict=True).registry.editions["enterprise"]
    assert edition.features == {"*"}
    assert [plan.limits for plan in edition.plans] == [{}]
