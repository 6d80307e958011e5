"""A folder with a catalog and its tables, and one sentence for what goes wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
import pyarrow as pa
import sqlalchemy as sa
from headrace.kits.files import paths
from headrace.sdk import ConfigError, DataError, TransientError
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.table import Table

CATALOG = "catalog.db"
_RACES = (CommitFailedException, CommitStateUnknownException, TableAlreadyExistsError, NamespaceAlreadyExistsError)


class Lake:
    """One folder.

    Args:
        root: As configured.
        named: The catalog's name in its file.
    """

    def __init__(self, root: str, named: str) -> None:
        self._named = named
        self.root, self.writable = paths.resolve_root(root)
        self._catalog: SqlCatalog | None = None

    def catalog(self, *, make: bool = False) -> SqlCatalog | None:
        """The catalog, opened once; None where the folder has none and it is not to be made."""
        if self._catalog is None and (make or (self.root / CATALOG).is_file()):
            at = sa.URL.create("sqlite", database=str(self.root / CATALOG)).render_as_string()
            self._catalog = SqlCatalog(self._named, uri=at, warehouse=self.root.as_uri())
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
            ConfigError: it lies outside of the folder.
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
        """Refuse files that are not of this folder.

        Raises:
            ConfigError: naming the table.
        """
        for place in places:
            parts = urlsplit(place)
            if parts.scheme not in {"", "file"} or not Path(unquote(parts.path)).resolve().is_relative_to(self.root):
                raise ConfigError(
                    f"the table '{name}' has a file outside of its folder, which is not read; copy the table whole",
                    field="stream",
                )

    def close(self) -> None:
        """Let go of the catalog."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None


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
