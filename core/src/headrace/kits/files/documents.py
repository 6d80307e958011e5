"""Text documents into rows: JSON, NDJSON, YAML, XML and fixed width. Wrong lines are rejected with their number."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from headrace.kits.files import csv_scan, typed
from headrace.kits.files.long_lines import LONG, TOO_LONG, bounded_lines, text_lines
from headrace.kits.files.options import ReadOptions
from headrace.sdk.connectors import Reject, Rejector
from headrace.sdk.errors import ConfigError, DataError

DOCUMENT_BYTES = 512 * 2**20
YAML_BYTES = 16 * 2**20
YAML_ALIASES = 100


def json(path: Path, options: ReadOptions) -> pl.LazyFrame:
    """A JSON document: a list of objects, or one below `record`. It is read whole."""
    _small(path, DOCUMENT_BYTES, "write NDJSON instead")
    if not options.record:
        return pl.read_json(path, infer_schema_length=None).lazy()
    return _rows(_found(msgspec.json.decode(path.read_bytes()), options.record, path), path)


def yaml(path: Path, options: ReadOptions) -> pl.LazyFrame:
    """A YAML document, or one row for each of several."""
    import yaml as parser

    _small(path, YAML_BYTES, "write NDJSON instead")
    text = path.read_text(encoding="utf-8")
    aliases = (event for event in parser.parse(text, Loader=parser.SafeLoader) if isinstance(event, parser.AliasEvent))
    if next(islice(aliases, YAML_ALIASES, None), None) is not None:
        raise DataError(f"'{path.name}' repeats parts by more than {YAML_ALIASES} aliases; it is refused")
    found = list(parser.safe_load_all(text))
    return _rows(_found(found[0] if len(found) == 1 else found, options.record, path), path)


def _small(path: Path, most: int, advice: str) -> None:
    if path.stat().st_size > most:
        raise DataError(f"'{path.name}' is larger than {most // 2**20} MiB, and is read whole; {advice}")


def _found(value: Any, record: str, path: Path) -> Any:
    for part in filter(None, record.split(".")):
        if not isinstance(value, dict) or part not in value:
            raise ConfigError(f"'{path.name}' has no '{part}' of '{record}'; correct it", field="options.record")
        value = value[part]
    return value


def _rows(value: Any, path: Path) -> pl.LazyFrame:
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise ConfigError(
            f"'{path.name}' has no list of objects there; say where it is, as in `data.items`", field="options.record"
        )
    return pl.from_dicts(rows, infer_schema_length=None).lazy()


def ndjson(path: Path, reject: Rejector | None, scratch: Path) -> pl.LazyFrame:
    """A JSON object a line, lazily; where a line is wrong the others are copied, and it is rejected."""
    try:
        frame = pl.scan_ndjson(path, infer_schema_length=None)
        frame.collect_schema()
    except pl.exceptions.PolarsError:
        if reject is None:
            raise
        return pl.scan_ndjson(_good_lines(path, reject, scratch), infer_schema_length=None)
    return frame


def _good_lines(path: Path, reject: Rejector, scratch: Path) -> Path:
    good = scratch / f"{secrets.token_hex(8)}.ndjson"
    with path.open("rb") as file, good.open("wb") as out:
        for number, line in enumerate(bounded_lines(file, path), 1):
            if line is None:
                reject([Reject(number, TOO_LONG)])
                continue
            problem = _problem(line)
            if problem:
                said = line.decode(errors="replace").rstrip("\n")[:10_000]
                reject([Reject(number, f"the line is no JSON object: {problem}", data=said)])
                continue
            out.write(line if line.endswith(b"\n") else line + b"\n")
    return good


def _problem(line: bytes) -> str:
    try:
        value = msgspec.json.decode(line) if line.strip() else {}
    except msgspec.DecodeError as error:
        return str(error)
    return "" if isinstance(value, dict) else "it is another value"


def fixed(path: Path, options: ReadOptions, reject: Rejector | None, scratch: Path) -> pl.LazyFrame:
    """Lines cut by `widths`; blanks around a value do not count."""
    if not options.widths or any(width < 1 for width in options.widths.values()):
        raise ConfigError(
            f"'{path.name}' has a fixed width; say each column's number of characters", field="options.widths"
        )

    def records() -> Iterator[typed.Record]:
        with path.open("rb") as file:
            for number, line in enumerate(text_lines(file, path), 1):
                if number > 1 or not options.header:
                    yield _cut(number, line.rstrip("\r\n"), list(options.widths.values()))

    return _typed_rows(records, list(options.widths), path, options, reject, scratch)


def _cut(number: int, line: str, widths: list[int]) -> typed.Record:
    if LONG in line:
        return number, [], TOO_LONG
    if not line.strip():
        return number, [], ""
    total = sum(widths)
    if len(line.rstrip()) > total or len(line) <= total - widths[-1]:
        return number, [line], f"it has {len(line)} characters instead of {total}"
    fields, start = [], 0
    for width in widths:
        fields.append(line[start : start + width].strip())
        start += width
    return number, fields, ""


def xml(path: Path, options: ReadOptions, reject: Rejector | None, scratch: Path) -> pl.LazyFrame:
    """Elements named `record` (empty: those right below the root); attributes and children are columns."""
    names = list(dict.fromkeys(name for _, row in _elements(path, options.record) for name in row))
    if not names:
        raise ConfigError(f"'{path.name}' has no element '{options.record or 'below its root'}' with values; "
                          "say which", field="options.record")  # fmt: skip

    def records() -> Iterator[typed.Record]:
        for number, row in _elements(path, options.record):
            yield number, [row.get(name) for name in names], ""

    return _typed_rows(records, names, path, options, reject, scratch)


def _elements(path: Path, record: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and values of each record; no entity, DTD or outer file is read."""
    from lxml import etree

    safe: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    with path.open("rb") as file:
        yield from _records(etree.iterparse(file, events=("start", "end"), **safe), path, record)


def _records(events: Any, path: Path, record: str) -> Iterator[tuple[int, dict[str, str]]]:
    from lxml import etree

    depth = 0
    for event, element in events:
        if event == "start":
            depth += 1
            if depth == 1 and element.getroottree().docinfo.doctype:
                raise DataError(f"'{path.name}' has a DTD, which is refused; remove it", field="stream")
            continue
        depth -= 1
        if etree.QName(element).localname == record if record else depth == 1:
            yield element.sourceline or 0, _values(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _values(element: Any) -> dict[str, str]:
    """Attributes and children by local name; what is nested or repeated is JSON."""
    row = {_local(name): str(value) for name, value in element.attrib.items()}
    children: dict[str, list[Any]] = {}
    for child in element:
        if isinstance(child.tag, str):
            children.setdefault(_local(child.tag), []).append(_plain(child))
    for name, values in children.items():
        value = values[0] if len(values) == 1 else values
        row[name] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = (element.text or "").strip()
    return row | ({"text": text} if text and not children else {})


def _plain(element: Any) -> Any:
    if not len(element) and not element.attrib:
        return element.text or ""
    return _values(element)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _typed_rows(
    records: Any, names: list[str], path: Path, options: ReadOptions, reject: Rejector | None, scratch: Path
) -> pl.LazyFrame:
    """Types as those of a CSV, from the first rows."""
    plain = msgspec.structs.replace(options, delimiter=",", header=True, format="csv")
    first: Iterable[Any] = (fields for _, fields, problem in records() if fields and not problem)
    head = StringIO()
    writer = csv.writer(head)
    writer.writerow(names)
    writer.writerows(islice(first, csv_scan.SAMPLE_ROWS))
    schema = csv_scan.infer(head.getvalue().encode(errors="replace"), path.name, plain)
    return typed.table(records(), path.name, schema, plain, reject, scratch)
