"""What has been tried against systems like this one: a payload a line, its id first, as a JSON text.

A new one is a new line; `test_corpora.py` tries each against its door and prints how many went through.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


def payloads(name: str) -> dict[str, str]:
    """Payloads of a file by id.

    Raises:
        ValueError: an id or a payload is there twice.
    """
    lines = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    found = {id_: msgspec.json.decode(text, type=str) for id_, text in pairs}
    if not len(pairs) == len(found) == len(set(found.values())):
        raise ValueError(f"{name}.txt has something twice")
    return found
