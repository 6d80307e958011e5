"""T-KEY: what docs/api-keys.md tells secret scanners finds every key, by its expression and its checksum."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from headrace.accounts import api_keys

DOCUMENT = Path(__file__).parents[2] / "docs" / "api-keys.md"


@pytest.mark.parametrize("keys", [2_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_every_key_fits_what_scanners_are_told_and_none_comes_twice(keys: int) -> None:
    (told,) = re.findall(r"^ {4}(\S+)$", DOCUMENT.read_text(), re.MULTILINE)
    found, row = re.compile(told), api_keys.ApiKey()
    seen = set()
    for _ in range(keys):
        key = api_keys._give_key(row)
        match = found.search(f"export KEY='{key}' # of the works")
        assert match
        assert match[0] == key
        stem, _, checksum = key.rpartition("_")
        assert checksum == f"{zlib.crc32(stem.encode()):08x}"
        seen.add(hash(key))
    assert len(seen) == keys
    assert told == api_keys.PATTERN
