"""The work: the MySQL family of the sql kit."""

import sqlalchemy as sa
from headrace.kits.sql.mysql import MysqlConnector

from headrace_connector_mariadb import MariaDBConfig


class MariaDBConnector(MysqlConnector[MariaDBConfig]):
    """One MariaDB database."""

    def choices(self, field: str) -> list[str]:
        """Databases that the user sees, without the server's own."""
        found = self.listed(self.url()._replace(database=None), sa.text("SHOW DATABASES"))
        return [name for name in found if name not in self.system_schemas]
