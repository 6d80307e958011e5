"""A catalogue with its tables, and one sentence for what goes wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import sqlalchemy as sa
from headrace.kits.files.paths import resolve_root
from headrace.sdk import AuthError, ConfigError, DataError, TransientError
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    ForbiddenError,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    OAuthError,
    RESTError,
    ServerError,
    ServiceUnavailableError,
    TableAlreadyExistsError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationException,
)
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import Table

from headrace_connector_iceberg.catalogs import FileCatalog, ServerCatalog
from headrace_connector_iceberg.stores import store_of

if TYPE_CHECKING:
    from headrace_connector_iceberg import IcebergConfig

CATALOG = "catalog.db"
_RACES = (CommitFailedException, CommitStateUnknownException, TableAlreadyExistsError, NamespaceAlreadyExistsError)


class Lake:
    """One catalogue and the place of its tables.

    Args:
        config: Of the connection.
    """

    def __init__(self, config: IcebergConfig) -> None:
        self._config = config
        self.store = store_of(config)
        self._catalog: Catalog | None = None

    def catalog(self, *, make: bool = False) -> Catalog | None:
        """The catalogue, opened once; None where the folder has none and it is not to be made."""
        if self._catalog is None and self._config.uri:
            self._catalog = ServerCatalog(self._config, self.store)
        elif self._catalog is None:
            file = resolve_root(self._config.root)[0] / CATALOG
            if make or file.is_file():
                self._catalog = FileCatalog(self._config.catalog, file, self.store)
        return self._catalog

    def names(self) -> list[str]:
        """Of all tables, sorted."""
        catalog = self.catalog()
        if catalog is None:
            return []
        return sorted(".".join(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space))

    def table(self, name: str) -> Table | None:
        """The table, if it is there.

        Raises:
            ConfigError: it lies outside of its place.
        """
        catalog, place = self.catalog(), tuple(name.split("."))
        if len(place) < 2 or not all(place):
            raise ConfigError(
                f"'{name}' is no name of a table; write it with its namespace, e.g. sales.orders", field="stream"
            )
        if catalog is None or not catalog.table_exists(place):
            return None
        table = catalog.load_table(place)
        self.judge(name, table.location(), table.metadata_location)
        return table

    def judge(self, name: str, *places: str) -> None:
        """Refuse files that are not of this place.

        Raises:
            ConfigError: naming the table.
        """
        if not all(map(self.store.inside, places)):
            raise ConfigError(
                f"the table '{name}' has a file outside of its folder, which is not read; copy the table whole",
                field="stream",
            )

    def tasks(self, name: str, scan: Any) -> list[Any]:
        """Files of a scan, all of this place."""
        found = list(scan.plan_files())
        for task in found:
            self.judge(name, task.file.file_path, *(one.file_path for one in task.delete_files))
        return found

    def batches(self, name: str, scan: Any) -> Iterator[pl.DataFrame]:
        """Rows of a scan, those of one file in memory at a time."""
        reader = ArrowScan(scan.table_metadata, self.store.io, scan.projection(), scan.row_filter)
        for task in self.tasks(name, scan):
            for batch in reader.to_record_batches([task]):
                made: Any = pl.from_arrow(batch)
                yield made

    def close(self) -> None:
        """Let go of the catalogue and the store."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None
        self.store.close()


@contextmanager
def translated(name: str) -> Iterator[None]:
    """One sentence for what the engine raises; its own words go to `detail`."""
    try:
        yield
    except _RACES as error:
        raise TransientError(
            f"another writer changed the table '{name}' at the same time; nothing was written; it is tried again",
            detail=str(error),
        ) from error
    except (UnauthorizedError, ForbiddenError, OAuthError) as error:
        raise AuthError(
            "the catalogue refuses the credentials, or they do not allow it; check them and their rights",
            detail=str(error),
        ) from error
    except (ServerError, ServiceUnavailableError, TooManyRequestsError) as error:
        raise TransientError("the catalogue is busy or broken; it is tried again", detail=str(error)) from error
    except RESTError as error:
        raise ConfigError(
            "the catalogue refuses the request; check its address and the warehouse", field="uri", detail=str(error)
        ) from error
    except (NoSuchTableError, NoSuchNamespaceError) as error:
        raise ConfigError(f"there is no table '{name}'; correct its name", field="stream", detail=str(error)) from error
    except sa.exc.SQLAlchemyError as error:
        raise ConfigError(
            "the catalog of the folder cannot be used: it is damaged, or locked", field="root", detail=str(error)
        ) from error
    except (ValidationException, ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"the table '{name}' cannot be used so; the log has the reason", field="stream", detail=str(error)
        ) from error
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(f"the files of the table '{name}' cannot be read as its log says", detail=str(error)) from error
