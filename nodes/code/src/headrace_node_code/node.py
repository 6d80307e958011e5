"""The node: batches into the sandbox, checked rows out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.sdk import DataError, Node, NodeContext, Reject
from headrace.sdk.frames import Frame, Frames, columns

from headrace_node_code.configs import CodeConfig
from headrace_node_code.driver import AGAIN, COLUMNS, PLACE, START
from headrace_node_code.sandbox import CodeError, Sandbox
from headrace_node_code.shape import Shape, declared, inferred
from headrace_node_code.values import VALUE_BYTES, Budget, Unfit, kind_of

if TYPE_CHECKING:
    import polars as pl

_DATA_MAX: Final = 10_000


class Code(Node[CodeConfig]):
    """Call the user's function; it knows its input and `params`, nothing else."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`; rows that failed or do not fit leave by the error port."""
        work = _Work(ctx, self.config, inputs["in"])
        return {"out": ctx.engine.load(work.frames(), ctx.scratch)}


class _Work:
    """One pass over the input."""

    def __init__(self, ctx: NodeContext, config: CodeConfig, frame: Frame) -> None:
        self._ctx = ctx
        self._config = config
        self._frame = frame
        self._known = columns(frame)
        self._shape: Shape | None = declared(config.columns) if config.columns else None
        self._taken = 0
        self._given = 0
        self._dropped = 0

    def frames(self) -> Iterator[pl.DataFrame]:
        """Frames of the result; at least one."""
        made = 0
        step = self._by_rows if self._config.mode == "rows" else self._by_columns
        with Sandbox(self._ctx, self._config) as box:
            for batch in self._batches():
                box.rows = self._taken
                box.where = f"in rows {self._taken + 1} to {self._taken + batch.height}"
                rows = step(box, batch)
                self._taken += batch.height
                self._ctx.progress(self._taken)
                if rows and self._shape is not None:
                    made += 1
                    yield self._shape.frame(rows)
        self._say()
        if not made:
            yield (self._shape or Shape(self._known)).frame(())

    def _batches(self) -> Iterator[pl.DataFrame]:
        """Batches with rows, none of more than an eighth of the sandbox's memory where rows can be parted."""
        most = (self._config.memory_mb << 20) // 8
        for batch in self._ctx.engine.batches(self._frame, batch_rows=self._config.batch_rows):
            if not batch.height:
                continue
            size = max(int(batch.estimated_size()), 1)
            yield from batch.iter_slices(max(1, min(batch.height, batch.height * most // size)))

    def _by_rows(self, box: Sandbox, batch: pl.DataFrame) -> list[list[Any]]:
        rows = batch.to_dicts()
        results, failed = self._called(box, rows)
        budget, kept = self._budget(), []
        budget.weigh(VALUE_BYTES * sum(len(made) for made in results if type(made) is list))
        if self._shape is None:
            found = [row for place, made in enumerate(results) if place not in failed for row in _listed(made)]
            self._shape = self._inferred(found)
        for place, made in enumerate(results):
            if place in failed:
                continue
            listed = _listed(made)
            self._dropped += not listed
            try:
                kept += [self._row(row, budget) for row in listed]
            except Unfit as error:
                self._refuse(self._taken + place + 1, error.reason, rows[place], error.column)
        return kept

    def _budget(self) -> Budget:
        return Budget(self._config.memory_mb << 20)

    def _row(self, row: Any, budget: Budget) -> list[Any]:
        return (self._shape or Shape(())).row(row, budget)

    def _called(self, box: Sandbox, rows: list[dict[str, Any]]) -> tuple[list[Any], set[int]]:
        """A result for each row, and the places of the rows that failed."""
        failed: set[int] = set()
        inputs: dict[str, Any] = {"_hr_rows": rows}
        code, place = START, -1
        while True:
            try:
                results = box.call(code, inputs)
                break
            except CodeError as error:
                before, place = place, self._place(box)
                if not isinstance(place, int) or not before < place < len(rows):
                    raise self._tampered(box) from None
                failed.add(place)
                self._refuse(self._taken + place + 1, error.reason, rows[place])
                code, inputs = AGAIN, {}
        if type(results) is not list or len(results) != len(rows):
            raise self._tampered(box)
        return results, failed

    @staticmethod
    def _place(box: Sandbox) -> Any:
        try:
            return box.call(PLACE)
        except CodeError:
            return None

    @staticmethod
    def _tampered(box: Sandbox) -> DataError:
        return DataError(f"the code changed names that begin with _hr_ {box.where}; choose other names", field="code")

    def _by_columns(self, box: Sandbox, batch: pl.DataFrame) -> list[list[Any]]:
        try:
            made = box.call(COLUMNS, {"_hr_columns": batch.to_dict(as_series=False)})
        except CodeError as error:
            raise DataError(f"the code failed {box.where}: {error.reason}", field="code") from None
        budget, kept = self._budget(), []
        rows = self._parted(made, box.where, budget)
        if self._shape is None:
            self._shape = self._inferred(rows)
        for row in rows:
            self._given += 1
            try:
                kept.append(self._row(row, budget))
            except Unfit as error:
                self._refuse(self._given, error.reason, row, error.column)
        return kept

    @staticmethod
    def _parted(made: Any, where: str, budget: Budget) -> list[dict[str, Any]]:
        """Rows of a dict of lists."""
        if type(made) is not dict or not made:
            raise DataError(f"the code gave {kind_of(made)} {where}; give a dict of lists", field="code")
        for name, values in made.items():
            if type(name) is not str or type(values) is not list:
                raise DataError(
                    f"the code gave {kind_of(values)} for {_shown(name)} {where}; give a list for each column",
                    field="code",
                )
        lengths = {name: len(values) for name, values in made.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{_shown(name)} {length}" for name, length in list(lengths.items())[:8])
            raise DataError(f"the lists have different lengths {where}: {told}; make them equally long", field="code")
        budget.weigh(VALUE_BYTES * sum(lengths.values()))
        return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]

    def _inferred(self, rows: Sequence[Any]) -> Shape | None:
        shape = inferred(rows, self._known)
        if shape is not None and [c.name for c in shape.columns] != [c.name for c in self._known]:
            told = ", ".join(f"{column.name} {column.type}" for column in shape.columns[:50])
            self._ctx.log(f"the output columns are taken from the first rows: {told}; declare them to keep them so")
        return shape

    def _refuse(self, row: int, reason: str, data: Any, column: str = "") -> None:
        """Send a row to the error port, or stop.

        Raises:
            DataError: nothing is connected to the error port.
        """
        if not self._ctx.rejects_connected:
            raise DataError(
                f"row {row}: {reason}", hint="connect the error port to go on without such rows", row=row,
                **({"column": column} if column else {}),
            )  # fmt: skip
        self._ctx.reject([Reject(row, reason, column, _as_text(data))])

    def _say(self) -> None:
        if not self._dropped:
            return
        every = self._dropped == self._taken
        self._ctx.log(
            f"{self._dropped} of {self._taken} rows were dropped: the code gave None or an empty list for them"
            + ("; did you forget 'return row'?" if every else ""),
            level="warning" if every else "info",
        )


def _listed(made: Any) -> list[Any]:
    return [] if made is None else made if type(made) is list else [made]


def _shown(name: Any) -> str:
    return f"'{name[:60]}'" if isinstance(name, str) else kind_of(name)


def _as_text(row: Any) -> str:
    """A row as JSON, cut; it is encoded no further than that."""
    parts: list[str] = []
    size = 0
    try:
        for part in json.JSONEncoder(ensure_ascii=False, default=_plain).iterencode(row):
            parts.append(part[:_DATA_MAX])
            size += len(part)
            if size > _DATA_MAX:
                break
    except (TypeError, ValueError, RecursionError):
        return ", ".join(f"{_shown(name)}: {kind_of(value)}" for name, value in row.items())[:_DATA_MAX]
    return "".join(parts)[:_DATA_MAX]


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
