"""The public API of n8n: workflows, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from headrace.sdk import AuthError, ConfigError, Connector, ConvertedFlow, DataError, ForeignFlow, Stream
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import TransientError

from headrace_plugin_n8n import N8nConfig
from headrace_plugin_n8n.workflow import told

PAGE = 100
PAGES_MAX = 1_000
API = "/api/v1"


class N8n(Connector[N8nConfig]):
    """One n8n server. It is only read."""

    def __init__(self, config: N8nConfig) -> None:
        super().__init__(config)
        self._client = EgressClient()
        self._base = config.url.strip().rstrip("/").removesuffix(API)

    def check(self) -> None:
        """Ask for one workflow."""
        self._ask("/workflows?limit=1")

    def discover(self) -> Sequence[Stream]:
        """No tables."""
        return ()

    def foreign_flows(self, wanted: Sequence[str] = ()) -> Iterator[ForeignFlow]:
        """Workflows with these ids, or all that are not archived."""
        if wanted:
            for one in dict.fromkeys(wanted):
                yield self._one(one)
            return
        cursor, seen = "", set[str]()
        for _ in range(PAGES_MAX):
            page = self._ask("/workflows?" + urlencode({"limit": PAGE, **({"cursor": cursor} if cursor else {})}))
            if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                raise ConfigError(f"'{self._base}' is no n8n: its list of workflows has no 'data'", field="url")
            for number, one in enumerate(page["data"], 1):
                if not (isinstance(one, dict) and one.get("isArchived") is True):
                    yield told(one, f"{len(seen)}-{number}")
            cursor = page.get("nextCursor") or ""
            if not cursor:
                return
            if not isinstance(cursor, str) or cursor in seen:
                raise ConfigError(f"'{self._base}' goes round in circles: it gives the same page again", field="url")
            seen.add(cursor)
        raise ConfigError(f"'{self._base}' has more than {PAGES_MAX * PAGE:,} workflows; name those that you want")

    def _one(self, wanted: str) -> ForeignFlow:
        try:
            found = self._ask(f"/workflows/{quote(wanted, safe='')}")
        except DataError as error:
            return ForeignFlow(id=wanted, problem=error.message)
        if found is None:
            return ForeignFlow(id=wanted, problem=f"there is no workflow '{wanted}' in n8n; correct the id")
        flow = told(found, wanted)
        if flow.id != wanted:
            return ForeignFlow(id=wanted, problem=f"n8n gives another workflow than '{wanted}'; nothing was taken")
        return flow

    def converted(self, flow: ForeignFlow, known: Mapping[str, str]) -> ConvertedFlow:
        """A canvas for a workflow."""
        from headrace_plugin_n8n.convert import convert

        return convert(flow.content, known)

    def _ask(self, path: str) -> Any:
        """What n8n answers; None for what is not there.

        Raises:
            ConfigError, AuthError, TransientError, DataError: by its answer.
        """
        headers = {"accept": "application/json"}
        key = {"X-N8N-API-KEY": self.config.api_key.reveal()}
        answer = self._client.request("GET", f"{self._base}{API}{path}", headers=headers, credentials=key)
        self._refused(answer)
        if answer.status == 404 and path.startswith("/workflows/"):
            return None
        if answer.status != 200:
            raise ConfigError(
                f"'{self._base}' answers {answer.status} where n8n has its workflows; correct the address", field="url"
            )
        try:
            return json.loads(answer.body, parse_int=_integer)
        except RecursionError:
            raise DataError(f"the answer of '{self._base}' is nested too deeply to be read") from None
        except ValueError:
            raise ConfigError(f"'{self._base}' does not answer as n8n does; correct the address", field="url") from None

    def _refused(self, answer: Answer) -> None:
        if answer.status in {401, 403}:
            raise AuthError(f"n8n at '{self._base}' refuses the API key; make another one there and enter it")
        if answer.status == 429 or answer.status >= 500:
            raise TransientError(f"n8n at '{self._base}' answers {answer.status}; try again in a while")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _integer(text: str) -> int | float:
    """As JavaScript has it, where it is too large to be stored."""
    value = int(text)
    return value if abs(value) < 2**63 else float(value)
