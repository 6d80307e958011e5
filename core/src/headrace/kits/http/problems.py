"""What is wrong in a declaration, with its place."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.kits.http.pace import budgets_of
from headrace.kits.http.parts import ActionPart, Declaration, StreamPart, Token
from headrace.kits.http.paths import fields_of
from headrace.kits.http.types import column_of, typed
from headrace.sdk.errors import ConfigError


def problems(said: Declaration) -> Iterator[tuple[str, str]]:
    """Places and what is wrong there."""
    names = [stream.name for stream in said.streams]
    yield from (("streams", f"'{name}' is there twice") for name in sorted(set(names)) if names.count(name) > 1)
    for place, stream in ((f"streams[{n}]", stream) for n, stream in enumerate(said.streams)):
        yield from ((place, problem) for problem in stream_problems(stream))
        for parent in {source.partition(".")[0] for source in stream.parent.values()}:
            if parent not in names or parent == stream.name:
                yield f"{place}.parent", f"there is no other stream '{parent}'"
    for n, action in enumerate(said.actions):
        yield from ((f"actions[{n}]", problem) for problem in _action_problems(action))
    for n, trigger in enumerate(said.triggers):
        source = said.stream(trigger.stream)
        if source is None or not source.cursor:
            yield f"triggers[{n}]", f"there is no stream '{trigger.stream}' with a cursor"
    for key in said.errors:
        if not key.partition(" ")[0].isdecimal():
            yield "errors", f"'{key}' begins with no status; write it as in '403' or '403 quota'"
    try:
        budgets_of(said.requests_per_s, said.budget)
    except ConfigError as error:
        yield "budget", error.message


def stream_problems(stream: StreamPart) -> Iterator[str]:
    """What is wrong with a stream; one without columns learns them, and then has nothing that needs one."""
    yield from _type_problems({name: typed(kind)[0] for name, kind in stream.columns.items()})
    for name in (*stream.primary_key, *filter(None, [stream.cursor, stream.key_column])):
        if name not in stream.columns and (stream.columns or name == stream.cursor):
            yield f"'{name}' is not one of its columns"
    if fields_of(stream.path) != set(stream.parent):
        yield f"the path '{stream.path}' must hold the parent's parameters and no other"
    if len({source.partition(".")[0] for source in stream.parent.values()}) > 1:
        yield "its parent is one stream; take all parameters from it"
    if isinstance(stream.pages, Token) and bool(stream.pages.next) == bool(stream.pages.last):
        yield "the token is found either at 'next' or at 'last'; name one of them"


def _action_problems(action: ActionPart) -> Iterator[str]:
    fields = sorted(fields_of(action.path))
    for name in (*fields, *action.required, *action.query):
        if name not in action.input:
            yield f"'{name}' is not one of its inputs"
    for name in fields:
        if name not in action.required:
            yield f"'{name}' is part of the path, so it must be required"
    yield from _type_problems({**action.input, **action.output})


def _type_problems(columns: dict[str, str]) -> Iterator[str]:
    for name, kind in columns.items():
        try:
            column_of(name, kind)
        except ConfigError as error:
            yield error.message
