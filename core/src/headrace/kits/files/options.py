"""What a user may say about a file. Empty means: by its suffix, or by looking."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk.config import Config, Field

FORMATS = ("csv", "tsv", "json", "ndjson", "parquet", "excel")
Format = Literal["", "csv", "tsv", "json", "ndjson", "parquet", "excel"]


class ReadOptions(Config):
    """How to read a file."""

    format: Annotated[Format, Field("Format", "Empty goes by the file's suffix.", order=0)] = ""
    delimiter: Annotated[
        str,
        Field(
            "Delimiter",
            "Between fields of a CSV; empty is a comma (tab for TSV).",
            max_length=1,
            advanced=True,
            order=1,
        ),
    ] = ""
    header: Annotated[bool, Field("First line names the columns", advanced=True, order=2)] = True
    null_values: Annotated[
        list[str], Field("Null values", "Texts that stand for nothing, e.g. NA.", widget="tags", order=3)
    ] = []
    types: Annotated[
        dict[str, str],
        Field(
            "Types",
            "Column to type (integer, float, text, boolean, date, timestamp); "
            "others "
            "are found from the first 2,000 rows.",
            widget="key-value",
            order=4,
        ),
    ] = {}
    sheet: Annotated[str, Field("Sheet", "Of an Excel file; empty is the first.", advanced=True, order=5)] = ""


class WriteOptions(Config):
    """How to write a file."""

    format: Annotated[Format, Field("Format", "Empty goes by the file's suffix.", order=0)] = ""
    delimiter: Annotated[str, Field("Delimiter", "Between fields of a CSV.", max_length=1, advanced=True, order=1)] = ""
