"""What a user may say about a file. Empty means: by its suffix, or by looking."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk.config import Config, Field

Format = Literal[
    "", "csv", "tsv", "json", "ndjson", "parquet", "excel", "avro", "orc", "arrow", "xml", "yaml", "fixed"
]  # fmt: skip
Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "cp1252"]


class ReadOptions(Config):
    """How to read files."""

    format: Annotated[Format, Field("Format", "Empty goes by the file's suffix.", order=0)] = ""
    delimiter: Annotated[
        str,
        Field("Delimiter", "Between fields of a CSV; empty is found by looking.", max_length=1, advanced=True, order=1),
    ] = ""
    header: Annotated[bool, Field("First line names the columns", advanced=True, order=2)] = True
    null_values: Annotated[
        list[str], Field("Null values", "Texts that stand for nothing, e.g. NA.", widget="tags", order=3)
    ] = []
    types: Annotated[
        dict[str, str],
        Field(
            "Types",
            "Column to type (integer, float, text, boolean, date, timestamp); others are found from the first 2,000 "
            "rows.",
            widget="key-value",
            order=4,
        ),
    ] = {}
    sheet: Annotated[str, Field("Sheet", "Of an Excel file; empty is the first.", advanced=True, order=5)] = ""
    encoding: Annotated[Encoding, Field("Encoding", "Of text files.", advanced=True, order=6)] = "utf-8"
    member: Annotated[
        str, Field("Member", "Which files of a zip or tar, e.g. `2026/*.csv`; empty is all.", advanced=True, order=7)
    ] = ""
    record: Annotated[
        str,
        Field(
            "Record",
            "Where the rows are: a dotted path in JSON and YAML (`data.items`), an element's name in XML.",
            advanced=True,
            order=8,
        ),
    ] = ""
    widths: Annotated[
        dict[str, int],
        Field("Widths", "Column to number of characters, in order; for fixed width.", widget="key-value", order=9),
    ] = {}
    facts: Annotated[
        bool,
        Field(
            "Name and version of the file as columns",
            "Adds `_file` and `_version`; `_version` is a cursor, so that only new and changed files are read.",
            advanced=True,
            order=10,
        ),
    ] = False


class WriteOptions(Config):
    """How to write files."""

    format: Annotated[Format, Field("Format", "Empty goes by the file's suffix.", order=0)] = ""
    delimiter: Annotated[str, Field("Delimiter", "Between fields of a CSV.", max_length=1, advanced=True, order=1)] = ""
    partition_by: Annotated[
        list[str],
        Field("Partition by", "Columns that become folders, as in `year=2026/`.", widget="tags", order=2),
    ] = []
    roll_mib: Annotated[
        int,
        Field(
            "Roll at (MiB)",
            "Begin another file at about this size: `a.csv` becomes `a-...-00000.csv` and so on; 0 writes one.",
            ge=0,
            le=100_000,
            advanced=True,
            order=3,
        ),
    ] = 0
