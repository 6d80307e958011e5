"""Polars' errors as sentences of ours: what the user can edit, what the data did, what the machine lacks."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import narwhals.exceptions as nwe
import polars.exceptions as ple
from headrace.sdk.errors import ConfigError, DataError, HeadraceError
from headrace.sdk.frames import near

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = re.compile(r'unable to find column "(?P<name>[^"]*)"(?:; valid columns: \[(?P<known>.*?)\])?')
_CONVERSION = re.compile(
    r"conversion from `(?P<source>[^`]*)` to `(?P<target>[^`]*)` failed in column '(?P<column>[^']*)' "
    r"for (?P<count>\d+) out of \d+ values: (?P<sample>\[.*?\])"
)

_KINDS = {
    "i": "integer",
    "u": "positive integer",
    "f": "float",
    "str": "text",
    "datetime": "timestamp",
    "bool": "boolean",
}


class StorageFull(HeadraceError):
    """No room on the disk; freeing some lets the same execution pass."""

    code = "STORAGE_FULL"
    status = 507


@contextmanager
def translated(what: str = "the data") -> Iterator[None]:
    """Turn what Polars and narwhals raise into the error tree."""
    try:
        yield
    except HeadraceError:
        raise
    except (ple.ColumnNotFoundError, nwe.ColumnNotFoundError) as error:
        raise _column(str(error), what) from None
    except (ple.SQLInterfaceError, ple.SQLSyntaxError) as error:
        raise ConfigError(f"{what} uses what the engine has not got: {_first(error)}", detail=str(error)) from None
    except (ple.ComputeError, ple.InvalidOperationError, nwe.ComputeError, nwe.InvalidOperationError) as error:
        raise _compute(str(error), what) from None
    except (ple.SchemaError, ple.DuplicateError, ple.ShapeError, nwe.DuplicateError, nwe.ShapeError) as error:
        raise ConfigError(f"columns or types do not fit in {what}: {_first(error)}", detail=str(error)) from None
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise StorageFull("the disk is full; free some space, then start again", detail=str(error)) from None
        raise
    except (ple.PolarsError, nwe.NarwhalsError) as error:
        raise DataError(f"{what} could not be worked out: {_first(error)}", detail=str(error)) from None


def _first(error: object) -> str:
    return str(error).strip().split("\n", 1)[0][:300]


def _column(text: str, what: str) -> ConfigError:
    match = _MISSING.search(text)
    if match is None:
        name = text.strip().split("\n", 1)[0].strip('"')[:200]
        return ConfigError(f"{what} has no column '{name}'", detail=text, column=name)
    known = re.findall(r'"([^"]*)"', match["known"] or "")
    return ConfigError(
        f"{what} has no column '{match['name']}'; {near(match['name'], known)}", detail=text, column=match["name"]
    )


def _compute(text: str, what: str) -> HeadraceError:
    if "No space left" in text:
        return StorageFull("the disk is full; free some space, then start again", detail=text)
    match = _CONVERSION.search(text)
    if match:
        kind = re.sub(r"[0-9(\[].*", "", match["target"])
        return DataError(
            f"at least {match['count']} values of '{match['column']}' are not {_KINDS.get(kind, match['target'])}, "
            "such as "
            f"{match['sample'][:200]}; correct them, or use the cast node with nulls or rejects on failure",
            detail=text,
            column=match["column"],
            count=int(match["count"]),
            sample=match["sample"][:200],
        )
    first = text.strip().split("\n", 1)[0][:300]
    if "Resolved plan until failure" in text or "not supported" in first:
        return ConfigError(f"types do not fit in {what}: {first}", detail=text)
    return DataError(f"{what} could not be worked out: {first}", detail=text)
