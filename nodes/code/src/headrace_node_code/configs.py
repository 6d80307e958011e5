"""What the user fills in."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from headrace.sdk import Config, ConfigError, Field, PluginError
from msgspec import Struct

Mode = Literal["rows", "columns"]
TypeName = Literal[
    "boolean", "integer", "float", "decimal", "text", "binary", "date", "time", "timestamp", "duration", "json", "uuid"
]


class ColumnRow(Struct, forbid_unknown_fields=True):
    """One column that the code gives."""

    name: Annotated[str, Field("Column", "Key in the row.", min_length=1)]
    type: Annotated[
        TypeName,
        Field("Type", "A value of another type sends the row to the error port; json takes lists and dicts."),
    ]
    precision: Annotated[int, Field("Precision", "Digits of a decimal.", ge=1, le=38)] = 38
    scale: Annotated[int, Field("Scale", "Digits after the point.", ge=0, le=38)] = 0
    zone: Annotated[
        str,
        Field("Time zone", "IANA name, for timestamps with an offset; empty is local.", widget="timezone"),
    ] = ""


class CodeConfig(Config):
    """The code, what it gives, and what it may use up."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"code"})

    code: Annotated[
        str,
        Field(
            "Code",
            "The body of a function of `row` (or `columns`), or `def transform(row)` with what it needs around it. "
            "Give back a row, a list of rows, or None to drop the row. `params` is a dict.",
            min_length=1,
            max_length=50_000,
            widget="code",
            language="python",
            rows=16,
            examples=["row['total'] = row['price'] * row['amount']\nreturn row"],
        ),
    ]
    mode: Annotated[
        Mode,
        Field(
            "Mode",
            "Rows: called once a row. Columns: called once a batch with a dict of lists, gives a dict of lists.",
            widget="segmented",
        ),
    ] = "rows"
    columns: Annotated[
        list[ColumnRow],
        Field(
            "Output columns",
            "Empty: columns of the input keep their types; others take theirs from the first batch. Declare them, and "
            "they are the same when no row comes.",
            widget="table",
            examples=[[{"name": "id", "type": "integer"}, {"name": "total", "type": "float"}]],
        ),
    ] = []
    batch_rows: Annotated[
        int,
        Field("Rows per batch", "At most so many rows at a time.", ge=1, le=50_000, group="Limits", advanced=True),
    ] = 5_000
    seconds: Annotated[
        float,
        Field("Seconds per batch", "Longer stops the step.", ge=0.1, le=300, unit="s", group="Limits", advanced=True),
    ] = 30.0
    total_seconds: Annotated[
        float,
        Field("Seconds in all", "Longer stops the step.", ge=0.1, le=7_200, unit="s", group="Limits", advanced=True),
    ] = 1_800.0
    memory_mb: Annotated[
        int,
        Field("Memory", "More stops the step.", ge=16, le=1_024, unit="MB", group="Limits", advanced=True),
    ] = 256
    recursion: Annotated[
        int,
        Field("Calls within calls", "Deeper fails the row.", ge=10, le=1_000, group="Limits", advanced=True),
    ] = 200

    def __post_init__(self) -> None:
        """Find what is wrong with the code without executing it.

        Raises:
            ConfigError: naming the field, and the line of the code.
        """
        from headrace_node_code.source import problem

        names = [column.name for column in self.columns]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise _wrong("columns", f"the column '{twice}' is declared twice; keep one")
        for index, column in enumerate(self.columns):
            if column.scale > column.precision:
                raise _wrong(f"columns[{index}].scale", "more digits after the point than digits in all")
            if column.zone and not _is_zone(column.zone):
                raise _wrong(f"columns[{index}].zone", f"there is no time zone '{column.zone}'; write Area/City")
        try:
            found = problem(self.code, self.mode)
        except PluginError as error:
            found = error.message
        if found:
            raise _wrong("code", found)


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _wrong(path: str, message: str) -> ConfigError:
    return ConfigError(f"'{path}': {message}", errors=[{"path": path, "message": message}], field=path)
