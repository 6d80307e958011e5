"""Migrations: the core branch and one branch per plugin, applied in one transaction by the owner role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from headrace.infra import partitions
from headrace.infra.database import sqlalchemy_url
from headrace.infra.homes import url_at
from headrace.infra.rls import APP_ROLE, WORKER_ROLE
from headrace.infra.settings import Settings
from headrace.sdk.errors import ConfigError, PluginError, TransientError
from headrace.sdk.manifests import MigrationBranch

_CORE = "headrace.migrations"
_LOCK = 7_210_463_001
_MIGRATED = sa.text(
    "SELECT place FROM homes WHERE place <> '' AND step NOT IN ('create', 'migrate', 'drop') ORDER BY 1"
)


def upgrade(
    target: Settings | str, branches: Iterable[MigrationBranch] = (), *, revision: str = "heads"
) -> tuple[str, ...]:
    """Bring a database to the newest revisions, and growing tables to the coming months. Any number may call it.

    Args:
        target: Its URL for the owner role, or the settings that hold it.
        branches: Those of the plugins (`host.registry.migrations`).
        revision: Where to stop, e.g. `core@0002`.

    Returns:
        The heads now applied.

    Raises:
        ConfigError: the roles are missing, or the URL cannot be read.
        PluginError: a branch's package is missing.
        TransientError: the database does not answer.
    """
    config = _config(branches)
    url = target if isinstance(target, str) else target.database_owner_url.reveal()
    if not url:
        raise ConfigError("HEADRACE_DATABASE_OWNER_URL is not set; migrating needs the role that owns the tables")
    engine = sa.create_engine(sqlalchemy_url(url), hide_parameters=True, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _check_roles(connection)
            config.attributes["connection"] = connection
            script = ScriptDirectory.from_config(config)
            with _without_removed(connection, script):
                if revision != "heads" or set(_current(connection)) != set(script.get_heads()):
                    command.upgrade(config, revision)
                applied = _current(connection)
            if revision == "heads":
                partitions.prepare(connection)
            return applied
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "53100":
            raise TransientError("the disk of the database server is full; free some space and try again") from None
        raise TransientError("the database does not answer; is it started?", detail=str(error.orig)) from None
    finally:
        engine.dispose()


def upgrade_all(settings: Settings, branches: Iterable[MigrationBranch] = ()) -> list[str]:
    """Bring the shared database and those that organizations have of their own to the newest revisions.

    Returns:
        The places of the latter.

    Raises:
        HeadraceError: as `upgrade`; those before are up to date then.
    """
    kept = list(branches)
    upgrade(settings, kept)
    url = settings.database_owner_url.reveal()
    engine = sa.create_engine(sqlalchemy_url(url), hide_parameters=True, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            rows = connection.execute(_MIGRATED).scalars()
            places = list(rows)
    finally:
        engine.dispose()
    for place in places:
        upgrade(url_at(url, place, settings.database_servers), kept)
    return places


def downgrade(url: str, revision: str, branches: Iterable[MigrationBranch] = ()) -> None:
    """Go back to `revision`, e.g. `core@base`."""
    config = _config(branches)
    engine = sa.create_engine(sqlalchemy_url(url), hide_parameters=True, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection, _without_removed(connection, ScriptDirectory.from_config(config)):
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
    finally:
        engine.dispose()


def heads(branches: Iterable[MigrationBranch] = ()) -> tuple[str, ...]:
    """The newest revisions that this installation knows."""
    return tuple(sorted(ScriptDirectory.from_config(_config(branches)).get_heads()))


@contextmanager
def _without_removed(connection: sa.Connection, script: ScriptDirectory) -> Iterator[None]:
    """For the block, branches of plugins whose package is gone are set aside; tables and marks of them stay."""
    known = {one.revision for one in script.walk_revisions()}
    removed = [one for one in _current(connection) if one not in known]
    if removed:
        aside = sa.text("DELETE FROM alembic_version WHERE version_num = ANY(:removed)")
        connection.execute(aside, {"removed": removed})
    yield
    for one in removed:
        connection.execute(sa.text("INSERT INTO alembic_version (version_num) VALUES (:one)"), {"one": one})


def _current(connection: sa.Connection) -> tuple[str, ...]:
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


def _config(branches: Iterable[MigrationBranch]) -> Config:
    core = _folder(_CORE, "core")
    folders = [core / "versions", *(_folder(branch.package, branch.id) for branch in branches)]
    config = Config()
    config.set_main_option("script_location", str(core).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder).replace("%", "%%") for folder in folders))
    return config


def _folder(package: str, branch: str) -> Path:
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise PluginError(
            f"the migrations of '{branch}' are not found in package '{package}'; reinstall it", plugin=branch
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _check_roles(connection: sa.Connection) -> None:
    query = sa.text("select rolname from pg_roles where rolname in (:app, :worker)")
    found = set(connection.scalars(query, {"app": APP_ROLE, "worker": WORKER_ROLE}))
    missing = sorted({APP_ROLE, WORKER_ROLE} - found)
    if missing:
        raise ConfigError(
            f"the database server has no role {' and '.join(missing)}; create them once as its administrator: "
            + "; ".join(f"CREATE ROLE {role} LOGIN PASSWORD '...'" for role in missing)
        )
