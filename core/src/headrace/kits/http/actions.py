"""Declared calls with an effect, for declarations that have some."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from headrace.kits.http.connector import RestConnector
from headrace.kits.http.manifest import action_types, key_of
from headrace.kits.http.parts import ActionPart
from headrace.kits.http.paths import filled
from headrace.kits.http.records import dig
from headrace.sdk.config import ConfigT
from headrace.sdk.egress_http import Answer
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.manifests import Effect

_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class ActingRestConnector(RestConnector[ConfigT]):
    """A REST service with actions."""

    def act(self, action: str, value: Struct, *, key: str) -> Struct | None:
        """One declared call. Repeated by us only if its method or its key makes that harmless.

        Raises:
            ConfigError: there is no such action, or an input cannot be part of a path.
            DataError: the service refuses the input, or its answer has not the declared form.
        """
        part = next((part for part in self.declaration().actions if part.id == action), None)
        if part is None:
            raise ConfigError(f"there is no action '{action}'", field="action")
        given = {name: item for name, item in msgspec.to_builtins(value).items() if item is not None}
        path = filled(part.path, given)
        rest = {name: item for name, item in given.items() if f"{{{name}}}" not in part.path}
        bodiless = part.method in {"GET", "DELETE"}
        query = {name: item for name, item in rest.items() if bodiless or name in part.query}
        body = {name: item for name, item in rest.items() if name not in query}
        answer = self.session.call(
            part.method, self.session.url(path, query), body=b"" if bodiless else msgspec.json.encode(body),
            headers={part.idempotency_header: key} if part.idempotency_header else None,
            repeatable=bool(part.idempotency_header) or part.effect is Effect.READ or part.method in _REPEATABLE,
            changes=part.effect is not Effect.READ,
        )  # fmt: skip
        return self._output(part, answer)

    def _output(self, part: ActionPart, answer: Answer) -> Struct | None:
        _, output = action_types(key_of(part))
        if output is None:
            return None
        data = dig(self.decoded(answer), part.result) if answer.body else {}
        try:
            made: Struct = msgspec.convert(data, output, strict=True)
        except msgspec.ValidationError as error:
            raise DataError(f"the answer to '{part.id}' has not the declared form: {error}") from None
        return made
