"""The work: the MySQL family of the sql kit."""

from headrace.kits.sql.mysql import MysqlConnector
from headrace.kits.sql.target import Traits

from headrace_connector_singlestore import SinglestoreConfig


class SinglestoreConnector(MysqlConnector[SinglestoreConfig]):
    """One SingleStore database."""

    traits = Traits(retype="ALTER TABLE %(table)s MODIFY COLUMN %(column)s %(type)s")
    loads = False
