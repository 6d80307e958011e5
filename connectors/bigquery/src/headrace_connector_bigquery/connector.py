"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_bigquery import BigqueryConfig


class BigqueryConnector(DriverReader[BigqueryConfig]):
    """One Google BigQuery database."""

    dialect = "bigquery"
    driver = "bigquery"
    package = "headrace-connector-bigquery"
    by_name = True
    system_schemas = frozenset({"INFORMATION_SCHEMA"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        query = {"credentials_base64": config.service_account.reveal()}
        return sa.URL.create(self.driver, host=config.project, database=config.dataset, query=query)

    @property
    def where(self) -> str:
        """Project and dataset for people."""
        return f"bigquery {self.config.project}/{self.config.dataset}"

    def judged(self) -> tuple[str, int]:
        """The project is no host; requests go to Google's."""
        return "bigquery.googleapis.com", 443
