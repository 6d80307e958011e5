"""Calls that schemathesis makes from the document: what they say is compared with what the document says."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.tenancy.matrix import SIGNING_OUT
from tests.tenancy.world import Side, Site

CHECKS = [
    schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance,
]  # fmt: skip
ENDLESS = {"executions_stream_logs", "realtime_stream_events"}
"""They follow what happens until it ends."""
_DROPPED = {"authorization", "x-api-key", "cookie", "content-length", "user-agent", "x-schemathesis-testcaseid"}


class Caller:
    """Makes calls as the owner of a side, in the loop of the site."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop, side: Side) -> None:
        self.site = site
        self.loop = loop
        self.side = side
        self.statuses: Counter[int] = Counter()
        self.wrong: dict[str, str] = {}
        self.schema = schemathesis.openapi.from_dict(site.app.openapi_schema.to_schema())

    def call_all(self, *, examples: int, number: int) -> None:
        """Call every operation with so many inputs, good and bad ones by turns.

        Args:
            examples: Of each operation, at most.
            number: Of the random numbers.
        """
        for result in self.schema.get_all_operations():
            operation = result.ok()
            if operation.definition.raw["operationId"] not in ENDLESS:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    self._call(operation, mode, examples, number)

    def _call(self, operation: Any, mode: GenerationMode, examples: int, number: int) -> None:
        real = mode is GenerationMode.POSITIVE and operation.method.upper() != "DELETE"
        strategy = operation.as_strategy(generation_mode=mode)
        quiet = settings(
            max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate], verbosity=Verbosity.quiet,
        )  # fmt: skip

        @seed(number)
        @quiet
        @given(case=strategy)
        def once(case: schemathesis.Case) -> None:
            if real:  # half of them name what is there
                for name in case.path_parameters.keys() & self.side.ids.keys():
                    if chance.random() < 0.5:
                        case.path_parameters[name] = self.side.ids[name]
            self._judge(case)

        chance = random.Random(number)
        with contextlib.suppress(Unsatisfiable):  # without fields there is nothing to send wrongly
            once()

    def _judge(self, case: schemathesis.Case) -> None:
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8080")
        given_ = {name: value for name, value in sent.pop("headers", {}).items() if name.lower() not in _DROPPED}
        sent.pop("cookies", None)
        try:
            answer = self.loop.run_until_complete(self._send(sent, given_))
        except (UnicodeEncodeError, httpx.InvalidURL, ValueError):
            return  # the client does not send that at all
        self.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            place = f"{case.method} {case.operation.path}"
            for failure in failures.exceptions:
                self.wrong.setdefault(
                    f"{place}: {failure.title} ({answer.status_code})",
                    f"{failure.message}\n{answer.text[:300]}\n{sent}"[:1200],
                )

    async def _send(self, sent: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        known = {name: sent[name] for name in ("method", "url", "params", "json", "data", "content") if name in sent}
        if isinstance(known.get("data"), bytes | str):
            known["content"] = known.pop("data")
        who = self.side.owner
        path = httpx.URL(str(known["url"])).path
        if path.endswith("/leave"):
            who = await self.site.person(self.side, "owner")
        elif path.endswith(SIGNING_OUT):
            who = await self.site.again(self.side, who)
        request = self.site.client.build_request(headers={**headers, **who.headers}, **known)
        answer = await self.site.client.send(request)
        self.site.client.cookies.clear()
        return answer
