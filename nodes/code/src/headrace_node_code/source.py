"""The user's code as a snippet for the sandbox, and what is wrong with it before anything is executed."""

from __future__ import annotations

import io
import re
import tokenize
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

ARGUMENT: Final = {"rows": "row", "columns": "columns"}
_PARSED: Final = "headrace: parsed"
_STOP: Final = f"raise RuntimeError({_PARSED!r})\n"
_TEXTS: Final = frozenset(
    number for name in ("STRING", "FSTRING_MIDDLE", "TSTRING_MIDDLE") if (number := getattr(tokenize, name, 0))
)


class Source(Struct, frozen=True):
    """A snippet that defines `transform`, and how many lines it has before the user's first."""

    text: str
    offset: int


@lru_cache(maxsize=64)
def source(code: str, mode: str) -> Source:
    """The code as it is if it defines `transform` at its margin, else as the body of that function."""
    code = code.replace("\r\n", "\n")
    if _defines(code):
        return Source(code, 0)
    inner = _inside_texts(code)
    body = "\n".join(
        line if number in inner or not line.strip() else f"    {line}"
        for number, line in enumerate(code.split("\n"), 1)
    )
    return Source(f"def transform({ARGUMENT[mode]}):\n{body}\n", 1)


def _tokens(code: str) -> list[tokenize.TokenInfo]:
    """Tokens as far as they go; the sandbox says what is wrong with the rest."""
    found: list[tokenize.TokenInfo] = []
    try:
        found.extend(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
        return found
    return found


def _defines(code: str) -> bool:
    return re.search(r"^def[ \t]+transform\b", code, re.MULTILINE) is not None and any(
        token.string == "def" and token.start[1] == 0 and re.match(r"def[ \t]+transform\b", token.line)
        for token in _tokens(code)
    )


def _inside_texts(code: str) -> set[int]:
    """Lines that begin inside a text of several lines: indenting them would change the text."""
    return {
        line for token in _tokens(code) if token.type in _TEXTS for line in range(token.start[0] + 1, token.end[0] + 1)
    }


@lru_cache(maxsize=64)
def problem(code: str, mode: str) -> str:
    """What keeps the sandbox from taking the code, with its line; empty if nothing does. Nothing is executed."""
    from headrace_node_code.pool import pool

    if not any(line.strip() and not line.lstrip().startswith("#") for line in code.splitlines()):
        return "there is no code; write for example: return row"
    made = source(code, mode)
    with pool(10.0) as workers:
        return _refusal(workers, made, code)


def _refusal(workers: Any, made: Source, code: str) -> str:
    from pydantic_monty import CollectString, MontyCrashedError, MontyError, MontyRuntimeError, MontySyntaxError

    limits: Any = {"max_feed_duration_secs": 5.0, "max_memory": 128 << 20}
    with workers.checkout(limits=limits) as session:
        try:
            session.feed_run(_STOP + made.text, print_callback=CollectString(1_000))
        except MontyCrashedError:
            return "the sandbox cannot read the code; make it shorter and less nested"
        except (MontyRuntimeError, MontySyntaxError) as error:
            if _PARSED in str(error):
                return ""
            frames = error.traceback()
            last = len(code.rstrip().split("\n"))
            line = min(max(1, frames[-1].line - 1 - made.offset), last) if frames else 0
            return f"{_sentence(error.display('msg'))}{f' (line {line})' if line else ''}"
        except MontyError as error:
            return _sentence(str(error))
    return ""


def _sentence(text: str) -> str:
    """The sandbox's words without its name."""
    text = re.sub(r"^The monty syntax parser does not yet support", "the sandbox does not support", text.strip())
    return text[:300]
