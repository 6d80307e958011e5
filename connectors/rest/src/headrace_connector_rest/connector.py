"""The work: the http kit, with a declaration made of what the user says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.manifest import stream_problems
from headrace.sdk import AuthError, ConfigError, HeadraceError, Stream, TransientError

from headrace_connector_rest import RestConfig, RestReadOptions
from headrace_connector_rest.infer import SAMPLE, inferred


class GenericRestConnector(RestConnector[RestConfig]):
    """Any JSON service. A stream is a path; its form is in the read options."""

    def __init__(self, config: RestConfig) -> None:
        super().__init__(config)
        self._parts: dict[bytes, parts.StreamPart] = {}
        self._learned: list[parts.StreamPart] = []

    def declaration(self) -> parts.Declaration:
        """Address, credentials and limits, as the user gave them."""
        config = self.config
        return parts.Declaration(
            id="rest", title="REST", category="development", check=next(iter(config.endpoints), ""),
            headers=config.headers, requests_per_s=config.requests_per_s, timeout_s=config.timeout_s, auth=self._auth(),
        )  # fmt: skip

    def _auth(self) -> parts.Auth:
        config = self.config
        if config.auth == "bearer":
            return parts.BearerAuth()
        if config.auth == "header":
            return parts.HeaderAuth(name=config.header)
        if config.auth == "basic":
            return parts.BasicAuth()
        if config.auth == "oauth2":
            return parts.OAuth2(token_url=config.token_url, scope=config.scope)
        return parts.NoAuth()

    def discover(self) -> Sequence[Stream]:
        """The endpoints of the connection; one that cannot be read by itself says why."""
        return [self._offered(path) for path in sorted(set(self.config.endpoints))]

    def _offered(self, path: str) -> Stream:
        try:
            return self.stream(path)
        except (AuthError, TransientError):
            raise
        except HeadraceError as error:
            return Stream(name=path, columns=(), warnings=(error.message,))

    def part(self, name: str, options: Any = None) -> parts.StreamPart:
        """The stream that the options describe; its columns are learned when they are not given.

        Raises:
            ConfigError: the options do not fit together, or there is nothing to learn from.
        """
        said: RestReadOptions = options or RestReadOptions()
        key = msgspec.json.encode((name, said))
        if key not in self._parts:
            self._parts[key] = self._checked(self._made(name, said))
            if not said.columns:
                self._learned.append(self._parts[key])
        return self._parts[key]

    def _made(self, name: str, said: RestReadOptions) -> parts.StreamPart:
        bare = parts.StreamPart(
            name=name, path=name, params=dict(said.params), records=said.records, key_column=said.key_column,
            columns={column: _column(kind) for column, kind in said.columns.items()},
            primary_key=tuple(said.primary_key), cursor=said.cursor, after_param=said.after_param, pages=_pages(said),
        )  # fmt: skip
        if bare.columns:
            return bare
        return msgspec.structs.replace(bare, columns=inferred(name, list(islice(self._each(bare), SAMPLE))))

    def _each(self, part: parts.StreamPart) -> Iterator[dict[str, Any]]:
        for records in self.records(part):
            yield from records

    def _checked(self, part: parts.StreamPart) -> parts.StreamPart:
        problem = next((text for text in stream_problems(part)), None)
        if problem:
            raise ConfigError(f"'{part.name}': {problem}; correct the options", field="options")
        return part

    def known(self, part: parts.StreamPart) -> frozenset[str] | None:
        """With learned columns a new field is an error; with given ones the rest was left out on purpose."""
        return frozenset(part.columns) if any(made is part for made in self._learned) else None


def _column(kind: str) -> str | parts.ColumnPart:
    name, _, path = (text.strip() for text in kind.partition(" at "))
    return parts.ColumnPart(type=name, path=path) if path else name


def _pages(said: RestReadOptions) -> parts.Pages:
    size: Any = {"size_param": said.size_param, "size": said.size}
    if said.pages == "page":
        return parts.PageNumber(page_param=said.page_param or "page", start=said.first_page, **size)
    if said.pages == "offset":
        return parts.Offset(offset_param=said.page_param or "offset", **size)
    if said.pages == "link":
        return parts.Link(next=said.next, **size)
    if said.pages == "token":
        if not said.next:
            raise ConfigError("say under 'Next page at' where the answer holds the token", field="options")
        return parts.Token(next=said.next, token_param=said.page_param or "token", **size)
    return parts.SinglePage()
