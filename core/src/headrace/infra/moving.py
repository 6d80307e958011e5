"""Move an organization to a database of its own, or back: steps that each can be done again after a kill.

Nothing of the organization changes between `freeze` and `switch`: transactions of it are refused, those that had begun
are waited for. What moves is copied from one snapshot and counted; what was in work there is done again, as after any
crash. When it cannot be copied the organization goes on where it is, and the move begins again with `freeze`. Accounts
and plans stay in the shared database (`mirror`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct
from psycopg import sql

from headrace.infra.homes import url_at
from headrace.infra.migrate import upgrade
from headrace.infra.mirror import OF_ORGANIZATION, connect, mirror
from headrace.infra.rls import APP_ROLE, WORKER_ROLE
from headrace.infra.roles import drop_database
from headrace.sdk.errors import ConfigError, HeadraceError, TransientError
from headrace.sdk.manifests import MigrationBranch

TO_OWN = ("create", "migrate", "mirror", "freeze", "copy", "switch", "clean", "done")
TO_SHARED = ("freeze", "copy", "switch", "drop", "done")
STAY = frozenset(
    {*OF_ORGANIZATION, "organizations", "api_keys", "directory_groups", "directory_people", "identities",
     "identity_providers", "invitations", "sessions", "sign_in_attempts"}
)  # fmt: skip
"""Tables of organizations that stay in the shared database."""
BOTH = frozenset({"data_keys", "idempotency_keys"})
"""Tables that both need: secrets and answers of accounts, and of the work."""
QUIET_S = 60.0
AGAIN_S = 30.0
"""After which a step that failed is tried again."""
_DUE = """
SELECT id FROM homes WHERE step <> 'done' AND (note = '' OR updated_at <= clock_timestamp() - make_interval(secs => %s))
ORDER BY created_at
"""
_HOLD = "SELECT pg_try_advisory_lock(hashtextextended('headrace move ' || %s, 0))"
_NOW = "SELECT place, goal, step FROM homes WHERE id = %s AND step <> 'done'"
_STEP = "UPDATE homes SET step = %s, note = '', updated_at = now() WHERE id = %s"
_NOTE = "UPDATE homes SET note = %s, updated_at = now() WHERE id = %s"

_WORK = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT a.attisdropped AND c.relname <> ALL(%s) ORDER BY 1
"""
_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
  AND attgenerated = '' ORDER BY attnum
"""
_OPEN = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid() AND a.datname = current_database()
"""
_STILL = _OPEN + " AND l.virtualtransaction = ANY(%s)"
_FREEZE = """
INSERT INTO homes (id, place, state) VALUES (%s, %s, 'moving')
ON CONFLICT (id) DO UPDATE SET state = 'moving', updated_at = now()
"""
_THAW = "UPDATE homes SET state = 'here', updated_at = now() WHERE id = %s"
_LEFT = "UPDATE homes SET state = 'there', place = %s, updated_at = now() WHERE id = %s"
_QUIETLY = "SET LOCAL session_replication_role = replica"
_COUNT = sql.SQL("SELECT count(*) FROM {table} WHERE organization_id = {organization}")
_OUT = sql.SQL("COPY (SELECT {columns} FROM {table} WHERE organization_id = {organization}) TO STDOUT (FORMAT binary)")
_STAGE = sql.SQL("CREATE TEMPORARY TABLE {stage} (LIKE {table}) ON COMMIT DROP")
_IN = sql.SQL("COPY {stage} ({columns}) FROM STDIN (FORMAT binary)")
_TAKE = sql.SQL("""
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {stage} ON CONFLICT DO NOTHING
""")
_DELETE = sql.SQL("DELETE FROM {table} WHERE organization_id = {organization}")
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
_ADVANCE = "SELECT setval(%s::regclass, greatest(%s, (SELECT last_value FROM pg_sequences WHERE sequencename = %s), 1))"
_MAKE = sql.SQL("CREATE DATABASE {} OWNER {}")
_CLOSE = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
_ENTER = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}")
_log = structlog.get_logger("headrace.mover")


class Move(Struct, frozen=True):
    """A home on its way, as the shared database has it."""

    organization_id: UUID
    place: str
    goal: str
    step: str


class Mover:
    """Does the steps of a move.

    Args:
        owner_url: The shared database, for the role that owns the tables.
        branches: Of the plugins, for migrating.
        servers: Where else databases may be: HEADRACE_DATABASE_SERVERS.
    """

    def __init__(self, owner_url: str, branches: Iterable[MigrationBranch] = (), servers: Sequence[str] = ()) -> None:
        self._url, self._branches, self._servers = owner_url, tuple(branches), tuple(servers)
        self._steps: dict[str, Callable[[Move], None]] = {
            "create": self._create, "migrate": self._migrate, "mirror": self._mirror, "freeze": self._freeze,
            "copy": self._copy, "switch": self._switch, "clean": self._clean, "drop": self._drop,
        }  # fmt: skip

    def _at(self, place: str) -> str:
        return url_at(self._url, place, self._servers)

    def counts(self, organization_id: UUID, place: str = "") -> dict[str, int]:
        """How many rows would move, by table: the dry run."""
        with connect(self._at(place) if place else self._url, organization_id) as connection:
            return {table: _count(connection, table, organization_id) for table in work_tables(connection)}

    def carry_on_all(self) -> None:
        """Carry on every move as far as it goes; why one does not is noted in its row.

        Raises:
            TransientError: the shared database is away.
        """
        try:
            with psycopg.connect(_plain(self._url), autocommit=True, application_name="headrace-mover") as shared:
                for row in shared.execute(_DUE, (AGAIN_S,)).fetchall():
                    self._carry_on(shared, row[0])
        except psycopg.OperationalError as error:
            raise TransientError("the database does not answer; moves go on later", detail=str(error)) from None

    def _carry_on(self, shared: psycopg.Connection, mine: UUID) -> None:
        """The lock is the connection's, outside of transactions: `freeze` waits for those."""
        held = shared.execute(_HOLD, (str(mine),)).fetchone()
        while held and held[0] and (row := shared.execute(_NOW, (mine,)).fetchone()) is not None:
            move = Move(mine, *row)
            try:
                after = self.go_on(move)
            except HeadraceError as error:
                if move.step == "copy":
                    shared.execute(_STEP, ("freeze", mine))  # first: nobody copies what is not frozen
                    self._thaw(move)
                shared.execute(_NOTE, (error.message, mine))
                _log.warning("a move waits", organization=str(mine), step=move.step, reason=error.message)
                break
            _log.info("moved on", organization=str(mine), goal=move.goal, step=move.step)
            shared.execute(_STEP, (after, mine))
            if move.step == "drop":
                shared.execute("DELETE FROM homes WHERE id = %s", (mine,))
        shared.execute("SELECT pg_advisory_unlock_all()")

    def go_on(self, move: Move) -> str:
        """Do the next step; returns the one after it. Killed in between, it is done again.

        Raises:
            HeadraceError: it cannot be done now; the sentence says why.
        """
        try:
            self._steps[move.step](move)
        except psycopg.OperationalError as error:
            raise TransientError("a database does not answer; the move goes on later", detail=str(error)) from None
        except psycopg.Error as error:
            raise ConfigError(
                f"the step '{move.step}' failed: {error.diag.message_primary}", detail=str(error)
            ) from None
        steps = TO_OWN if move.goal == "own" else TO_SHARED
        return steps[steps.index(move.step) + 1]

    def _create(self, move: Move) -> None:
        own = psycopg.conninfo.conninfo_to_dict(_plain(self._at(move.place)))
        name, owner = str(own["dbname"]), str(own["user"])
        server = psycopg.conninfo.make_conninfo(_plain(self._url), host=own.get("host"), port=own.get("port"))
        database = sql.Identifier(name)
        with psycopg.connect(server, autocommit=True) as connection:
            make, close = _MAKE.format(database, sql.Identifier(owner)), _CLOSE.format(database)
            enter = _ENTER.format(database, sql.Identifier(APP_ROLE), sql.Identifier(WORKER_ROLE))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                try:
                    connection.execute(make)
                except psycopg.errors.InsufficientPrivilege:
                    raise ConfigError(
                        f"the role '{owner}' may not make databases; as administrator of the server say: "
                        f"CREATE DATABASE {name} OWNER {owner}"
                    ) from None
            connection.execute(close)
            connection.execute(enter)

    def _migrate(self, move: Move) -> None:
        upgrade(self._at(move.place), self._branches)

    def _mirror(self, move: Move) -> None:
        mirror(self._url, self._at(move.place), move.organization_id)

    def _freeze(self, move: Move) -> None:
        """Refuse new transactions where the organization is served, then wait until those that had begun are over."""
        mine = move.organization_id
        with self._source(move) as connection:
            connection.execute(_FREEZE, (mine, move.place if move.goal == "own" else ""))
            connection.commit()
            old = [row[0] for row in connection.execute(_OPEN)]
            end = time.monotonic() + QUIET_S
            while old and (old := [row[0] for row in connection.execute(_STILL, (old,))]):
                connection.rollback()
                if time.monotonic() > end:
                    connection.execute(_THAW, (mine,))
                    connection.commit()
                    raise TransientError("transactions that began before the move have not ended; it goes on later")
                time.sleep(0.05)

    def _thaw(self, move: Move) -> None:
        try:
            with self._source(move) as connection:
                connection.execute(_THAW, (move.organization_id,))
        except (HeadraceError, psycopg.Error) as error:
            _log.warning("an organization stays frozen until its move goes on", organization=str(move.organization_id),
                         reason=type(error).__name__)  # fmt: skip

    def _copy(self, move: Move) -> None:
        mine = move.organization_id
        with self._source(move) as source, self._target(move) as target:
            source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            _may_be_quiet(target)
            for table in work_tables(source):
                if move.goal == "own" or table not in BOTH:
                    _clear(target, table, mine)  # of a copy before, which the organization has outlived
                _copy(source, target, table, mine)
                here, there = _count(source, table, mine), _count(target, table, mine)
                if there < here:
                    raise ConfigError(f"of {here} rows of '{table}' {there} arrived; nothing was moved")
            for name, last in source.execute(_SEQUENCES).fetchall():
                target.execute(_ADVANCE, (name, last, name))

    def _switch(self, move: Move) -> None:
        with self._source(move) as source, self._target(move) as target:
            if move.goal == "own":
                target.execute("DELETE FROM homes WHERE id = %s", (move.organization_id,))
            else:
                target.execute(_THAW, (move.organization_id,))
            target.commit()
            source.execute(_LEFT, (move.place if move.goal == "own" else "", move.organization_id))

    def _clean(self, move: Move) -> None:
        with connect(self._url, move.organization_id) as connection:
            _may_be_quiet(connection)
            for table in work_tables(connection):
                if table not in BOTH:
                    _clear(connection, table, move.organization_id)

    def _drop(self, move: Move) -> None:
        own = psycopg.conninfo.conninfo_to_dict(_plain(self._at(move.place)))
        server = psycopg.conninfo.make_conninfo(_plain(self._url), host=own.get("host"), port=own.get("port"))
        with psycopg.connect(server, autocommit=True) as connection:
            drop_database(connection, str(own["dbname"]))

    def _source(self, move: Move) -> psycopg.Connection:
        return connect(self._url if move.goal == "own" else self._at(move.place), move.organization_id)

    def _target(self, move: Move) -> psycopg.Connection:
        return connect(self._at(move.place) if move.goal == "own" else self._url, move.organization_id)


def work_tables(connection: psycopg.Connection) -> list[str]:
    """Tables whose rows move with an organization, those of plugins as well."""
    return [row[0] for row in connection.execute(_WORK, (sorted(STAY),))]


def _may_be_quiet(connection: psycopg.Connection) -> None:
    """No trigger acts on rows that only change their database."""
    try:
        connection.execute(_QUIETLY)
    except psycopg.errors.InsufficientPrivilege:
        role = connection.info.user
        raise ConfigError(
            f"the role '{role}' may not move rows; as administrator of the server say: "
            f"GRANT SET ON PARAMETER session_replication_role TO {role}"
        ) from None


def _clear(connection: psycopg.Connection, table: str, organization_id: UUID) -> None:
    delete = _DELETE.format(table=sql.Identifier(table), organization=sql.Literal(organization_id))
    connection.execute(delete)


def _count(connection: psycopg.Connection, table: str, organization_id: UUID) -> int:
    count = _COUNT.format(table=sql.Identifier(table), organization=sql.Literal(organization_id))
    row = connection.execute(count).fetchone()
    return int(row[0]) if row else 0


def _copy(source: psycopg.Connection, target: psycopg.Connection, table: str, organization_id: UUID) -> None:
    names = [row[0] for row in source.execute(_COLUMNS, (table,))]
    given = {
        "table": sql.Identifier(table), "stage": sql.Identifier(f"stage_{table}"[:63]),
        "columns": sql.SQL(", ").join(map(sql.Identifier, names)), "organization": sql.Literal(organization_id),
    }  # fmt: skip
    stage, take = _STAGE.format(**given), _TAKE.format(**given)
    target.execute(stage)
    with source.cursor().copy(_OUT.format(**given)) as out, target.cursor().copy(_IN.format(**given)) as into:
        for block in out:
            into.write(block)
    target.execute(take)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
