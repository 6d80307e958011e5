"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from headrace.kits.sql.errors import translate
from headrace.kits.sql.server import DriverReader
from headrace.sdk import Stream

from headrace_connector_athena import AthenaConfig


class AthenaConnector(DriverReader[AthenaConfig]):
    """One Amazon Athena database."""

    dialect = "athena"
    driver = "awsathena+rest"
    package = "headrace-connector-athena"
    by_name = True
    system_schemas = frozenset({"information_schema"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        return sa.URL.create(
            self.driver, config.access_key, config.secret_key.reveal(), f"athena.{config.region}.amazonaws.com", 443,
            config.database, {"s3_staging_dir": config.results, "work_group": config.work_group},
        )  # fmt: skip

    @contextmanager
    def _catalogue(self) -> Iterator[None]:
        """The dialect asks the catalogue past SQLAlchemy, so the driver's own errors come out of it."""
        self.engine()  # says so where the driver is not installed
        from pyathena.error import Error

        try:
            yield
        except Error as error:
            told: Any = sa.exc.DBAPIError.instance(None, None, error, Error)
            raise translate(told, self.where) from error

    def discover(self) -> Sequence[Stream]:
        """Tables and views of all databases of the catalogue."""
        with self._catalogue():
            return super().discover()

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table, without listing all."""
        with self._catalogue():
            return super().stream(name, options=options)

    def _source(self, connection: sa.Connection, stream: Stream) -> sa.Table:
        with self._catalogue():
            return super()._source(connection, stream)
