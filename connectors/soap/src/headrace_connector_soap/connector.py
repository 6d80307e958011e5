"""The work: the http kit's session, with envelopes for bodies and faults for errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.problems import stream_problems
from headrace.kits.http.records import dig, records_of
from headrace.sdk import AuthError, ConfigError, DataError, Stream, TransientError
from msgspec import Struct

from headrace_connector_soap import CallInput, CallOutput, SoapConfig, SoapReadOptions
from headrace_connector_soap.envelope import Fault, answer, request

_KINDS = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}


class SoapConnector(RestConnector[SoapConfig]):
    """Any SOAP service; a stream is an operation."""

    def __init__(self, config: SoapConfig) -> None:
        super().__init__(config)
        self._asked: dict[str, SoapReadOptions] = {}

    def declaration(self) -> parts.Declaration:
        """Address and credentials, as the user gave them."""
        return parts.Declaration(
            id="soap", title="SOAP", category="development",
            auth=parts.BasicAuth() if self.config.auth == "basic" else None,
        )  # fmt: skip

    def check(self) -> None:
        """The service's description (WSDL), which every service gives at `?wsdl`."""
        self.session.call("GET", self.session.url("", {"wsdl": "1"}).replace("wsdl=1", "wsdl"), attempts=1)

    def discover(self) -> Sequence[Stream]:
        """None: a stream is an operation that a user names."""
        return []

    def part(self, name: str, options: Any = None) -> parts.StreamPart:
        """The stream that the options describe; its columns are learned when they are not given."""
        said: SoapReadOptions = options or SoapReadOptions()
        key = msgspec.json.encode((name, said)).decode()
        if key not in self._learned:
            self._asked[key] = said
            bare = parts.StreamPart(
                name=name, path="", columns=dict(said.columns), primary_key=tuple(said.primary_key), params={"key": key}
            )
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
        """Records of the one answer."""
        said = self._asked[str(part.params["key"])]
        found = dig(self._called(part.name, said.parameters, changes=False), said.records, missing=None)
        rows = records_of(found if isinstance(found, list) else [] if found is None else [found], "")
        if rows:
            yield rows

    def act(self, action: str, value: Struct, *, key: str) -> CallOutput:
        """Call an operation, once: nobody knows whether a repeat would be harmless.

        Raises:
            DataError: the service refuses it.
        """
        given = msgspec.convert(msgspec.to_builtins(value), CallInput)
        return CallOutput(self._called(given.operation, given.parameters, changes=True))

    def _called(self, operation: str, parameters: dict[str, Any], *, changes: bool) -> Any:
        config, secure = self.config, self.config.auth == "wsse"
        body = request(
            config.version, config.namespace, operation, parameters, qualified=config.qualified,
            user=config.user if secure else "", password=config.password.reveal() if secure else "",
        )  # fmt: skip
        action = f"{config.action_prefix or config.namespace.rstrip('/') + '/'}{operation}"
        headers = {"Accept": "text/xml, application/soap+xml", "Content-Type": _KINDS[config.version]}
        if config.version == "1.1":
            headers["SOAPAction"] = f'"{action}"'
        else:
            headers["Content-Type"] += f'; action="{action}"'
        host, told = self.session.host, None
        try:
            told = self.session.call(
                "POST", self.session.url(""), body=body, headers=headers, repeatable=not changes, changes=changes,
                passes=frozenset({400, 500}),
            )  # fmt: skip
            found = answer(told.body, host)
        except DataError as error:
            if told is not None and told.status == 500:  # no fault, but a page of some server in between
                raise TransientError(f"'{host}' cannot answer now (500); it is tried again") from None
            if changes:
                raise
            raise ConfigError(error.message, detail=error.detail, **error.details) from None
        if isinstance(found, Fault):
            text = found.text.replace(config.password.reveal() or "\0", "***")
            if "authenti" in text.lower() or "FailedAuthentication" in text:
                raise AuthError(f"'{host}' refuses the credentials ({text}); enter them again")
            if not found.ours and not changes:
                raise TransientError(f"'{host}' cannot answer now ({text}); it is tried again")
            kind = DataError if changes else ConfigError
            raise kind(f"'{host}' refuses '{operation}' ({text}); correct it")
        return found
