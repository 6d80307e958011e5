"""iCalendar: the events of a calendar that is published under an address."""

from typing import Annotated

from headrace.sdk import Capability, Config, ConnectorManifest, Field, Secret, hookimpl, lazy

DOCS = """One row for each event. With a first and a last day, one row for each time that it takes place between them:
repeated events are repeated, with the days left out and moved that the calendar names."""


class IcalConfig(Config, kw_only=True):
    """Where the calendar is."""

    url: Annotated[
        str, Field("Calendar", "Address of the .ics file.", examples=["https://example.org/team.ics"], order=0)
    ]
    user: Annotated[str, Field("User", "Empty where nobody signs in.", order=1)] = ""
    password: Annotated[Secret, Field("Password", order=2)] = Secret("")
    first_day: Annotated[str, Field("First day", "As in 2026-01-01; empty: every event once.", order=3)] = ""
    last_day: Annotated[str, Field("Last day", "As in 2026-12-31.", order=4)] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="ical", title="Calendar (iCalendar)", category="business_apps", summary="Events of a calendar",
            config=IcalConfig, factory=lazy("headrace_connector_ical.connector:IcalConnector"), waits=True, docs=DOCS,
            icon="lucide:calendar-days", capabilities=frozenset({Capability.READ}), proof="real server",
        )
    ]  # fmt: skip
