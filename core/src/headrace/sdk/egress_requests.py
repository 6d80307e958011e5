"""requests through the door: for clients of third parties that bring a session of requests."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import BaseAdapter

from headrace.sdk.egress_http import EgressClient

_SECRET = frozenset({"authorization", "cookie"})
_OWN = frozenset({"accept-encoding", "connection", "content-length", "host"})
"""Headers that the client of the door writes by itself."""


def egress_session() -> requests.Session:
    """A session that sends by the door alone: no proxy, password or certificate of the environment is used."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, EgressAdapter())
    return session


class EgressAdapter(BaseAdapter):
    """Sends what requests has prepared; redirects are followed by the door."""

    def __init__(self) -> None:
        super().__init__()
        self._client = EgressClient()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request and its whole answer."""
        headers = {name.lower(): str(value) for name, value in request.headers.items() if name.lower() not in _OWN}
        secret = {name: headers.pop(name) for name in _SECRET & headers.keys()}
        body: Any = request.body or b""
        answer = self._client.request(
            str(request.method), str(request.url), headers=headers, credentials=secret,
            body=body.encode() if isinstance(body, str) else body,
        )  # fmt: skip
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, answer.url, request
        response.headers.update(answer.headers)
        response._content = answer.body
        return response

    def close(self) -> None:
        """Hang up."""
        self._client.close()
