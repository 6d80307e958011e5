"""The UI's words and types: every key has a text in each language, nothing is left over, types are those of the API."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest
from headrace.sdk.manifests import Capability, ConnectorManifest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "web" / "ui" / "src"
LANGUAGES = sorted(path.name for path in (SOURCES / "text").iterdir() if path.is_dir())
USED = re.compile(r"""\bt\(\s*(?:[^()'"`]*\?\s+)?'([\w.]+)'(?:\s*: '([\w.]+)')?""")
MADE = re.compile(r"\bt\(\s*`([\w.]+)\.\$\{")
BRACES = re.compile(r"\{(\w+)\}")


def words(language: str) -> dict[str, str]:
    """All texts of a language by their key."""
    found = {}
    for path in (SOURCES / "text" / language).rglob("*.json"):
        found |= {f"{path.stem}.{key}": text for key, text in json.loads(path.read_text()).items()}
    return found


def used() -> tuple[set[str], set[str]]:
    """Keys that the sources name, and the beginnings of those that they put together."""
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.ts*") if "gen" not in path.suffixes)
    return {key for found in USED.findall(text) for key in found if key}, set(MADE.findall(text))


def whole(key: str) -> str:
    """A key without its plural form."""
    return re.sub(r"\.(zero|one|two|few|many|other)$", "", key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_pages_has_a_text(language: str) -> None:
    known = {whole(key) for key in words(language)} | set(words(language))
    assert sorted(used()[0] - known) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_connector_says_of_itself_has_a_word(language: str) -> None:
    found = words(language)
    categories = {f"connections.category.{one}" for one in get_args(get_type_hints(ConnectorManifest)["category"])}
    abilities = set(Capability) - {Capability.RELATION}  # none has it: connectors narrow instead
    said = categories | {f"connections.{what}.{one}" for one in abilities for what in ("can", "canWhy")}
    assert sorted(said - set(found)) == []


def test_every_text_is_used() -> None:
    named, made = used()
    left = {
        key for key in words("en") if not {key, whole(key)} & named and not key.startswith(tuple(f"{m}." for m in made))
    }
    assert sorted(left) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_texts_with_the_same_values(language: str) -> None:
    def shape(texts: dict[str, str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for key, text in texts.items():
            found.setdefault(whole(key), set()).update(BRACES.findall(text))
        return found

    assert shape(words(language)) == shape(words("en"))


def test_types_are_those_of_the_api() -> None:
    writer = _writer()
    old = [path.name for path, text in writer.files().items() if path.read_text() != text]
    assert old == [], "run `python tools/api_types.py`"


def _writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_types", ROOT / "tools" / "api_types.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IMPORTED = re.compile(r"""^import (?!type)(?:[^'\n]*? from )?'(\.[^']+)'|\bimport\('(\.[^']+)'\)""", re.MULTILINE)
WITH_REST = re.compile(r"^.*\brest\(\).*$", re.MULTILINE)


def test_what_shows_first_waits_for_no_other_words() -> None:
    """The frame with what it opens, and the start page, say only what `start/` has; what loads with `rest()` waits."""
    start = {path.stem for path in (SOURCES / "text" / "en" / "start").glob("*.json")}
    seen: set[Path] = set()
    open_ = [SOURCES / "main.tsx", SOURCES / "pages" / "dashboard.tsx"]
    late = set()
    while open_:
        path = open_.pop()
        if path in seen or path.name == "places.tsx":
            continue
        seen.add(path)
        text = path.read_text()
        keys = {key for found in USED.findall(text) for key in found if key} | set(MADE.findall(text))
        late |= {f"{path.name}: {key}" for key in keys if key.partition(".")[0] not in start}
        for named in IMPORTED.findall(WITH_REST.sub("", text)):
            place = (path.parent / (named[0] or named[1])).resolve()
            open_ += [
                one
                for one in (place.with_name(f"{place.name}.ts"), place.with_name(f"{place.name}.tsx"))
                if one.exists()
            ]
    assert len(seen) > 20
    assert sorted(late) == []
