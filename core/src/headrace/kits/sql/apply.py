"""From the stage into the target: upsert, merge and history, as set statements of the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import Executable

from headrace.kits.judging import no_key, same_key
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.errors import DataError
from headrace.sdk.tables import VALID_FROM, VALID_TO


class Staged:
    """The rows of one write, staged beside their target.

    Args:
        db: In the write's transaction.
        target: The table.
        stage: The rows; may have one column more, `mark`.
        names: Columns to write.
        keys: Those that identify a row.
        mark: Boolean column of rows to delete, or empty.
        merges: The database knows MERGE but no UPDATE ... FROM.
    """

    def __init__(
        self, db: sa.Connection, target: sa.Table, stage: sa.Table, names: Sequence[str], keys: Sequence[str], *,
        mark: str = "", merges: bool = False,
    ) -> None:  # fmt: skip
        self._db, self._target, self._stage = db, target, stage
        self._names, self._keys = list(names), list(keys)
        self._rest = [name for name in names if name not in keys]
        self._mark = mark
        self._merges = merges
        self._same = sa.and_(*(target.c[key] == stage.c[key] for key in keys))
        self._marked: Any = stage.c[mark].is_(sa.true()) if mark else sa.false()
        self._kept: Any = sa.or_(stage.c[mark].is_(None), stage.c[mark] == sa.false()) if mark else sa.true()

    def apply(self, mode: WriteMode, rows: int) -> WriteResult:
        """Bring the rows in; they were checked by `check_keys`."""
        if mode == "scd2":
            return self._history(rows)
        deleted = self._delete(rows) if mode == "merge" else 0
        return WriteResult(rows, self._upsert(), deleted=deleted)

    def _count(self, where: Any, *, source: sa.Table) -> int:
        return self._db.scalar(sa.select(sa.func.count()).select_from(source).where(where)) or 0

    def _delete(self, rows: int) -> int:
        """Delete what is marked, or what did not come.

        Raises:
            DataError: nothing came, so that all would be deleted.
        """
        if not self._mark and not rows:
            raise DataError(
                "no rows came, and a merge would delete all rows of the table; nothing was written; overwrite the "
                "table, if this is meant"
            )
        came = sa.exists(sa.select(1).select_from(self._stage).where(self._same))
        marked = sa.exists(sa.select(1).select_from(self._stage).where(self._same, self._marked))
        gone = marked if self._mark else ~came
        deleted = self._count(gone, source=self._target)
        if deleted:
            self._db.execute(sa.delete(self._target).where(gone))
        return deleted

    def _upsert(self) -> int:
        target, stage = self._target, self._stage
        there = sa.exists(sa.select(1).select_from(target).where(self._same))
        updated = self._count(sa.and_(self._kept, there), source=stage)
        if self._rest and updated:
            if self._merges:
                self._db.execute(MergeUpdate(target, stage, self._same, self._rest))
            else:
                values = {target.c[name]: stage.c[name] for name in self._rest}
                self._db.execute(sa.update(target).values(values).where(self._same, self._kept))
        new = sa.select(*(stage.c[name] for name in self._names)).where(self._kept, ~there)
        self._db.execute(sa.insert(target).from_select(self._names, new))
        return updated

    def _history(self, rows: int) -> WriteResult:
        """End the versions that changed or are marked, and begin the new ones, all at one moment."""
        target, stage, now = self._target, self._stage, datetime.now(UTC)
        current = target.c[VALID_TO].is_(None)
        pairs = [target.c[name].is_distinct_from(stage.c[name]) for name in self._rest]
        differs = sa.or_(sa.false(), *pairs)
        here = sa.and_(self._same, current)
        changed = sa.exists(sa.select(1).select_from(stage).where(self._same, self._kept, differs))
        marked = sa.exists(sa.select(1).select_from(stage).where(self._same, self._marked))
        updated = self._count(sa.and_(current, changed), source=target)
        deleted = self._count(sa.and_(current, marked), source=target) if self._mark else 0
        if updated or deleted:
            gone = sa.or_(changed, marked) if self._mark else changed
            self._db.execute(sa.update(target).values({target.c[VALID_TO]: now}).where(current, gone))
        moment: Any = sa.literal(now, target.c[VALID_FROM].type)
        held = sa.exists(sa.select(1).select_from(target).where(here))
        new = sa.select(*(stage.c[name] for name in self._names), moment).where(self._kept, ~held)
        self._db.execute(sa.insert(target).from_select([*self._names, VALID_FROM], new))
        return WriteResult(rows, updated, deleted=deleted)


def check_keys(db: sa.Connection, stage: sa.Table, keys: Sequence[str]) -> None:
    """Refuse rows that keys cannot tell apart.

    Raises:
        DataError: naming the keys and a sample.
    """
    parts = [stage.c[key] for key in keys]
    empty = db.scalar(sa.select(sa.func.count()).select_from(stage).where(sa.or_(*(part.is_(None) for part in parts))))
    if empty:
        raise no_key(empty, keys)
    double = db.execute(
        sa.select(*parts, sa.func.count()).group_by(*parts).having(sa.func.count() > 1).limit(1)
    ).first()
    if double is not None:
        raise same_key(double[-1], keys, double)


class MergeUpdate(Executable, sa.ClauseElement):
    """`MERGE ... WHEN MATCHED THEN UPDATE`, for databases without UPDATE ... FROM."""

    inherit_cache = False

    def __init__(self, target: sa.Table, stage: sa.Table, same: Any, names: Sequence[str]) -> None:
        self.target, self.stage, self.same, self.names = target, stage, same, names


@compiles(MergeUpdate)
def _merge(element: MergeUpdate, compiler: Any, **given: Any) -> str:
    quote = compiler.preparer
    sets = ", ".join(
        f"{quote.quote(name)} = {compiler.process(element.stage.c[name], **given)}" for name in element.names
    )
    into, using = quote.format_table(element.target), quote.format_table(element.stage)
    same = compiler.process(element.same, **given)
    return f"MERGE INTO {into} USING {using} ON ({same}) WHEN MATCHED THEN UPDATE SET {sets}"
