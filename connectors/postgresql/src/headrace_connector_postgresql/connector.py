"""The work: the PostgreSQL family of the sql kit, and links for replication."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from headrace.kits.sql.errors import translate
from headrace.kits.sql.postgresql import COMPARED, PostgresConnector
from headrace.sdk import HeadraceError
from headrace.sdk.egress import check_host
from psycopg.rows import tuple_row

from headrace_connector_postgresql import PostgresqlConfig

_PLAIN_TEXTS = (
    "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex "
    "-c statement_timeout=60000"
)


_DATABASES = sa.text(
    "SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn "
    "AND has_database_privilege(oid, 'CONNECT')"
)


class PostgresqlConnector(PostgresConnector[PostgresqlConfig]):
    """One PostgreSQL database."""

    driver = "postgresql+psycopg"
    copies_out = True
    compares = COMPARED

    def choices(self, field: str) -> list[str]:
        """Databases that the user may connect to; asked in `postgres`, which every server has."""
        return self.listed(self.url().set(database="postgres"), _DATABASES)

    def link(self, *, replication: bool = False, row_factory: Any = tuple_row) -> psycopg.Connection[Any]:
        """A connection beside the engine's, through the same door, whose texts have one form. The caller closes it.

        Args:
            replication: For the commands of replication instead of SQL.
            row_factory: Of psycopg.

        Raises:
            AuthError, ConfigError, TransientError: as the server answers.
        """
        url = self.url()
        mode: dict[str, Any] = {"replication": "database"} if replication else {}
        try:
            return psycopg.connect(
                **{"host": url.host, **self.pinned(url.host or "", check_host(url.host or "", url.port or 0))},
                port=url.port, dbname=url.database, user=url.username, password=url.password or None, **mode,
                **self.connect_args(), client_encoding="utf8", options=_PLAIN_TEXTS, autocommit=True,
                row_factory=row_factory,
            )  # fmt: skip
        except psycopg.Error as error:
            raise told(error, self.where) from error


def told(error: psycopg.Error, where: str) -> HeadraceError:
    """One sentence for an error of a link beside the engine; an operational one is like that of the engine's."""
    known = isinstance(error, psycopg.OperationalError)
    return translate(sa.exc.OperationalError("", None, error) if known else error, where)
