"""The work: the http kit, with a declaration made of what the user says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.problems import stream_problems
from headrace.sdk import AuthError, ConfigError, HeadraceError, Stream, TransientError

from headrace_connector_rest import RestConfig, RestReadOptions


class GenericRestConnector(RestConnector[RestConfig]):
    """Any JSON service. A stream is a path; its form is in the read options."""

    def __init__(self, config: RestConfig) -> None:
        super().__init__(config)
        self._parts: dict[bytes, parts.StreamPart] = {}

    def declaration(self) -> parts.Declaration:
        """Address, credentials and limits, as the user gave them."""
        config = self.config
        return parts.Declaration(
            id="rest", title="REST", category="development", check=next(iter(config.endpoints), ""),
            headers=config.headers, requests_per_s=config.requests_per_s, timeout_s=config.timeout_s, auth=self._auth(),
        )  # fmt: skip

    def _auth(self) -> parts.Auth | None:
        config = self.config
        match config.auth:
            case "bearer":
                return parts.BearerAuth()
            case "header":
                return parts.HeaderAuth(name=config.header)
            case "query":
                return parts.QueryAuth(name=config.header)
            case "basic":
                return parts.BasicAuth()
            case "oauth2" | "oauth2_code":
                grant: Any = "authorization_code" if config.auth == "oauth2_code" else "client_credentials"
                return parts.OAuth2(token_url=config.token_url, scope=config.scope, grant=grant)
            case "sigv4":
                return parts.SigV4(service=config.service, access_key="client_id", secret_key="client_secret")  # noqa: S106
        return None

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
            made = self._made(name, said)
            if not said.columns:
                made = self._learned[key.decode()] = self.learned(made)
            self._parts[key] = self._checked(made)
        return self._parts[key]

    def _made(self, name: str, said: RestReadOptions) -> parts.StreamPart:
        return parts.StreamPart(
            name=name, path=name, params=dict(said.params), records=said.records, key_column=said.key_column,
            method=said.method, body=said.body, columns=dict(said.columns), primary_key=tuple(said.primary_key),
            cursor=said.cursor, after_param=said.after_param, pages=_pages(said),
        )  # fmt: skip

    def _checked(self, part: parts.StreamPart) -> parts.StreamPart:
        problem = next((text for text in stream_problems(part)), None)
        if problem:
            raise ConfigError(f"'{part.name}': {problem}; correct the options", field="options")
        return part


def _pages(said: RestReadOptions) -> parts.Pages | None:
    size: Any = {"size_param": said.size_param, "size": said.size}
    if said.pages == "page":
        return parts.PageNumber(page_param=said.page_param or "page", start=said.first_page, **size)
    if said.pages == "offset":
        return parts.Offset(offset_param=said.page_param or "offset", **size)
    if said.pages == "link":
        return parts.Link(next=said.next, **size)
    if said.pages == "token":
        if not said.next and not said.last:
            raise ConfigError("say under 'Next page at' where the answer holds the token", field="options")
        return parts.Token(next=said.next, last=said.last, token_param=said.page_param or "token", **size)
    return None
