"""Ready flows: the demo on real data (every flight out of New York in 2013), and the gallery of small ones."""

import re
from importlib.resources import files

from headrace.sdk import FlowTemplate, hookimpl

_HEAD = re.compile(r"^(name|description): (.+)$", re.MULTILINE)
_DEMO = (
    (
        "flights",
        "Flights: delays by carrier and month",
        "336,776 flights, joined with airlines, airports and weather, aggregated, written to Parquet and a table",
    ),
    ("flights_report", "Delays to Excel", "The table that the first flow writes, as an Excel workbook"),
    (
        "rest_to_table",
        "REST to table",
        "The operations of this installation's own API, read over HTTP, written to a table",
    ),
)


@hookimpl
def headrace_templates() -> list[FlowTemplate]:
    """Offer the flows of the demo, and each file of `gallery/` by the name and description in it."""
    demo = [
        FlowTemplate(id=id_, title=title, summary=summary, package=__name__, file=f"flows/{id_}.yaml", demo=True)
        for id_, title, summary in _DEMO
    ]
    return demo + [_of(path.name) for path in sorted(files(__name__).joinpath("gallery").iterdir(), key=str)]


def _of(name: str) -> FlowTemplate:
    file = f"gallery/{name}"
    said = dict(_HEAD.findall(files(__name__).joinpath(file).read_text(encoding="utf-8")))
    return FlowTemplate(
        id=name.removesuffix(".yaml"), title=said["name"], summary=said["description"], package=__name__, file=file
    )
