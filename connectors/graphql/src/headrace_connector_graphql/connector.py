"""The work: the http kit's session, pages by cursor, and errors that come with status 200."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.problems import stream_problems
from headrace.kits.http.records import dig, records_of
from headrace.sdk import AuthError, ConfigError, DataError, Stream
from msgspec import Struct

from headrace_connector_graphql import GraphqlConfig, GraphqlReadOptions, MutationInput, MutationOutput

_REFUSED = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED"})


class GraphqlConnector(RestConnector[GraphqlConfig]):
    """Any GraphQL service."""

    def __init__(self, config: GraphqlConfig) -> None:
        super().__init__(config)
        self._asked: dict[str, GraphqlReadOptions] = {}

    def declaration(self) -> parts.Declaration:
        """Address, credentials and pace, as the user gave them."""
        ways: dict[str, parts.Auth] = {
            "bearer": parts.BearerAuth(),
            "header": parts.HeaderAuth(name=self.config.header),
        }
        return parts.Declaration(
            id="graphql", title="GraphQL", category="development", auth=ways.get(self.config.auth),
            requests_per_s=self.config.requests_per_s,
        )  # fmt: skip

    def check(self) -> None:
        """The smallest query there is."""
        self._sent("{ __typename }", {}, attempts=1)

    def discover(self) -> Sequence[Stream]:
        """None: a stream is what a query says."""
        return []

    def part(self, name: str, options: Any = None) -> parts.StreamPart:
        """The stream that the options describe; its columns are learned when they are not given.

        Raises:
            ConfigError: there is no query, or the options do not fit together.
        """
        said: GraphqlReadOptions = options or GraphqlReadOptions()
        if not said.query.strip():
            raise ConfigError(f"'{name}' has no query; write it under Options", field="options")
        key = msgspec.json.encode((name, said)).decode()
        if key not in self._learned:
            bare = parts.StreamPart(
                name=name, path="", columns=dict(said.columns), primary_key=tuple(said.primary_key), params={"key": key}
            )
            self._asked[key] = said
            made = bare if said.columns else self.learned(bare)
            problem = next(stream_problems(made), None)
            if problem:
                raise ConfigError(f"'{name}': {problem}; correct the options", field="options")
            self._learned[key] = made
        return self._learned[key]

    def known(self, part: parts.StreamPart) -> frozenset[str] | None:
        """With learned columns a new field is an error; with given ones the rest was left out on purpose."""
        return None if self._asked[str(part.params["key"])].columns else frozenset(part.columns)

    def records(self, part: parts.StreamPart, *, after: object = None, exact: bool = False) -> Iterator[list[Any]]:
        """Records page by page, as `pageInfo` says."""
        said, seen = self._asked[str(part.params["key"])], set()
        cursor: Any = None
        while True:
            variables = {**said.variables, **({said.after_variable: cursor} if cursor else {})}
            data = self._sent(said.query, variables)
            found = dig(data, said.records)
            pages = found.get("pageInfo") if isinstance(found, dict) else None
            rows = _rows(found)
            if rows:
                yield rows
            cursor = pages.get("endCursor") if isinstance(pages, dict) and pages.get("hasNextPage") else None
            if not cursor:
                return
            if cursor in seen or f"${said.after_variable}" not in said.query:
                raise ConfigError(
                    f"there is a next page, but the query does not take its cursor; write ${said.after_variable} into "
                    "it", field="options",
                )  # fmt: skip
            seen.add(cursor)

    def act(self, action: str, value: Struct, *, key: str) -> MutationOutput:
        """Send a mutation, once: nobody knows whether a repeat would be harmless.

        Raises:
            DataError: the service refuses it.
        """
        given = msgspec.convert(msgspec.to_builtins(value), MutationInput)
        return MutationOutput(self._sent(given.mutation, given.variables, changes=True))

    def _sent(self, query: str, variables: dict[str, Any], *, changes: bool = False, attempts: int = 5) -> Any:
        body = msgspec.json.encode({"query": query, **({"variables": variables} if variables else {})})
        answer = self.session.call(
            "POST", self.session.url(""), body=body, repeatable=not changes, changes=changes, attempts=attempts
        )
        said = self.decoded(answer)
        errors = said.get("errors") if isinstance(said, dict) else [{"message": "the answer is no GraphQL"}]
        if errors:
            first: Any = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
            words = " ".join(str(first.get("message", "")).split())[:200]
            code = str((first.get("extensions") or {}).get("code", ""))
            if code in _REFUSED:
                raise AuthError(f"'{self.session.host}' refuses the credentials ({code}); enter them again")
            kind = DataError if changes else ConfigError
            raise kind(f"'{self.session.host}' refuses the {'mutation' if changes else 'query'}: {words}")
        return said.get("data")


def _rows(found: Any) -> list[Any]:
    if isinstance(found, dict) and isinstance(found.get("edges"), list):
        return [edge["node"] for edge in found["edges"] if edge and edge.get("node") is not None]
    if isinstance(found, dict) and isinstance(found.get("nodes"), list):
        return [node for node in found["nodes"] if node is not None]
    return records_of(found, "")
