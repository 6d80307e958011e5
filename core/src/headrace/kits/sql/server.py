"""Databases whose driver is an extra of their package: the URL, the door, and one sentence when it is not installed."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa

from headrace.kits.sql.connector import SqlConnector
from headrace.kits.sql.reader import SqlReader
from headrace.sdk.config import ConfigT
from headrace.sdk.egress import check_host
from headrace.sdk.errors import ConfigError


class DriverReader(SqlReader[ConfigT]):
    """A database reached by a driver of its own."""

    driver: ClassVar[str]
    """SQLAlchemy's name of dialect and driver."""
    package: ClassVar[str]
    """The distribution with the extra `driver`."""

    def url(self) -> sa.URL:
        """Where it is."""
        config: Any = self.config
        return sa.URL.create(
            self.driver, config.user, config.password.reveal() or None, config.host, config.port, config.database
        )

    def engine(self) -> sa.Engine:
        """The engine.

        Raises:
            ConfigError: the driver is not installed.
        """
        try:
            return super().engine()
        except (sa.exc.NoSuchModuleError, ImportError) as error:
            raise ConfigError(
                f"the driver for {self.where} is not installed; install {self.package}[driver] where the workers are",
                detail=repr(error),
            ) from None

    by_name: ClassVar[bool] = False
    """The driver speaks HTTPS and proves the server's name itself, so it is given the name."""

    def judged(self) -> tuple[str, int]:
        """Host and port that the door judges."""
        url = self.url()
        return url.host or "", url.port or 443

    def _through_the_door(self, dialect: Any, _record: Any, args: list[Any], given: dict[str, Any]) -> None:
        """Judge the host, and give the driver the address that was judged."""
        address = check_host(*self.judged())[0]
        if not self.by_name:
            made, named = dialect.create_connect_args(self.url().set(host=address))
            args[:] = made
            given.update(named)


class DriverConnector(DriverReader[ConfigT], SqlConnector[ConfigT]):
    """One that is written as well."""
