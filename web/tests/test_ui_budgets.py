"""What the built UI weighs, against the budgets of its design; skipped where nothing is built."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from headrace_web import assets

DIST = Path(assets.__file__).parent / "static" / "dist"
KB = 1_000
FIRST, EDITOR = "src/main.tsx", "src/pages/editor.tsx"
WORDS = re.compile(r"src/text/\w+\.ts")
LAZY = {"code editor": (re.compile("codemirror"), 150 * KB), "charts": (re.compile("uplot", re.IGNORECASE), 30 * KB)}
"""Parts that load when they are needed, by a word in their files' names; none of them may be there at the start."""

Manifest = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    path = DIST / "manifest.json"
    if not path.exists():
        pytest.skip("the UI is not built; run `make ui`")
    read: Manifest = json.loads(path.read_text())
    return read


def closure(manifest: Manifest, name: str) -> set[str]:
    """A chunk and all that it imports at once."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ += manifest[one].get("imports", [])
    return found


def packed(names: set[str]) -> int:
    """Bytes on the line, as gzip sends them."""
    return sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in names)


def scripts(manifest: Manifest, chunks: set[str]) -> int:
    return packed({manifest[one]["file"] for one in chunks})


def first_page(manifest: Manifest) -> set[str]:
    """The frame, the start page, and the largest language."""
    languages = [name for name in manifest if WORDS.fullmatch(name)]
    assert languages, "a first page without words"
    largest = max(languages, key=lambda name: scripts(manifest, {name}))
    return closure(manifest, FIRST) | {largest}


def test_the_first_page_is_light(manifest: Manifest) -> None:
    size = scripts(manifest, first_page(manifest))
    print(f"first page {size / KB:.1f} KB")
    assert size <= 130 * KB


def test_the_editor_adds_what_it_may(manifest: Manifest) -> None:
    size = scripts(manifest, closure(manifest, EDITOR) - first_page(manifest))
    print(f"editor + {size / KB:.1f} KB")
    assert size <= 170 * KB


def test_every_other_page_is_lighter_than_the_editor(manifest: Manifest) -> None:
    first = first_page(manifest)
    pages = [name for name in manifest if name.startswith("src/pages/") and manifest[name].get("isDynamicEntry")]
    assert len(pages) > 5, "pages are loaded when they are opened"
    sizes = {name: scripts(manifest, closure(manifest, name) - first) for name in pages}
    assert {name: size for name, size in sizes.items() if size > 170 * KB} == {}


@pytest.mark.parametrize("part", LAZY)
def test_heavy_parts_load_late(manifest: Manifest, part: str) -> None:
    word, most = LAZY[part]
    named = {name for name in manifest if word.search(name) or word.search(manifest[name]["file"])}
    assert not named & first_page(manifest)
    assert scripts(manifest, named) <= most


def test_styles_and_fonts_are_light(manifest: Manifest) -> None:
    first = {sheet for chunk in first_page(manifest) for sheet in manifest[chunk].get("css", [])}
    editor = {sheet for chunk in closure(manifest, EDITOR) for sheet in manifest[chunk].get("css", [])}
    print(f"styles {packed(first) / KB:.1f} KB, editor's own {packed(editor - first) / KB:.1f} KB")
    assert packed(first) <= 14 * KB
    assert packed(editor - first) <= 5 * KB, "the canvas brings its own"
    latin = list(DIST.glob("assets/inter-latin-wght*.woff2"))
    assert [path.stat().st_size <= 50 * KB for path in latin] == [True]


def test_the_whole_is_light(manifest: Manifest) -> None:
    files = [path for path in DIST.rglob("*") if path.is_file()]
    raw, line = sum(path.stat().st_size for path in files), packed({str(path.relative_to(DIST)) for path in files})
    print(f"whole {raw / KB:.0f} KB, {line / KB:.0f} KB packed")
    assert raw <= 2_000 * KB
    assert line <= 700 * KB


def test_nothing_is_fetched_from_elsewhere(manifest: Manifest) -> None:
    """Addresses in the files are names of formats, of manuals in messages, or examples; none is loaded."""
    loads = re.compile(rb"""(?:import\(|from|url\(|src=|@import)\s*["']?https?://""")
    found = {entry["file"] for entry in manifest.values() if loads.search((DIST / entry["file"]).read_bytes())}
    assert found == set()
