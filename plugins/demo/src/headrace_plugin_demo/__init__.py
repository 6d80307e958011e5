"""Demo flows on real data: every flight out of New York in 2013."""

from headrace.sdk import FlowTemplate, hookimpl


@hookimpl
def headrace_templates() -> list[FlowTemplate]:
    """Offer the flows of `examples/`."""
    package = __name__
    return [
        FlowTemplate(
            id="flights",
            title="Flights: delays by carrier and month",
            package=package,
            file="flows/flights.yaml",
            demo=True,
            summary="336,776 flights, joined with airlines, airports and weather, aggregated, written to Parquet and "
            "a table",
        ),
        FlowTemplate(
            id="flights_report",
            title="Delays to Excel",
            package=package,
            file="flows/flights_report.yaml",
            demo=True,
            summary="The table that the first flow writes, as an Excel workbook",
        ),
        FlowTemplate(
            id="rest_to_table",
            title="REST to table",
            package=package,
            file="flows/rest_to_table.yaml",
            demo=True,
            summary="The operations of this installation's own API, read over HTTP, written to a table",
        ),
    ]
