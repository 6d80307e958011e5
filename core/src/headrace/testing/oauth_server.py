"""An OAuth 2 service on loopback that holds to it: PKCE, redirect address, single use, rotating refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply


class OAuthServer:
    """Gives tokens, and answers `/api/...` to whoever has a good one.

    Attributes:
        url: Its address.
        lasts_s: Of an access token.
        access: Access tokens that are good.
        refresh: The refresh token that is good; an older one ends the sign-in, as RFC 9700 wants it.
        renewed: How often a refresh token was used.
        agrees: Whether the person agrees; of a device, whether the code has been typed in.
    """

    def __init__(self, client_id: str = "us", client_secret: str = "s3cret-of-a-client") -> None:  # noqa: S107 - a test's
        self.url = ""
        self.client = (client_id, client_secret)
        self.lasts_s = 3_600
        self.access: set[str] = set()
        self.refresh = ""
        self.renewed = 0
        self.agrees = True
        self.rows: list[dict[str, Any]] = [{"id": 1, "name": "Bern"}, {"id": 2, "name": "Oslo"}]
        self._codes: dict[str, dict[str, str]] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def browse(self, location: str) -> str:
        """What a browser does at the authorization address: the address that it is sent back to."""
        query = dict(parse_qsl(location.partition("?")[2]))
        if query.get("client_id") != self.client[0] or query.get("code_challenge_method") != "S256":
            raise AssertionError(f"a bad authorization request: {query}")
        back = {"state": query["state"]}
        if self.agrees:
            code = secrets.token_urlsafe(8)
            self._codes[code] = query
            back["code"] = code
        else:
            back["error"] = "access_denied"
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def answer(self, asked: Asked) -> Reply:
        """One request."""
        if asked.path == "/token":
            with self._lock:
                return self._token(asked)
        if asked.path == "/device":
            said = {"device_code": "d-1", "user_code": "ABCD-EFGH", "verification_uri": f"{self.url}/activate"}
            return json_reply({**said, "interval": 1})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.access:
            return json_reply({"error": "invalid_token"}, 401)
        return json_reply(self.rows)

    def _token(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        if self._client(asked, form) != self.client:
            return json_reply({"error": "invalid_client"}, 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._code(form)
            case "refresh_token":
                return self._refresh(form)
            case "urn:ietf:params:oauth:grant-type:device_code":
                return self._give() if self.agrees else json_reply({"error": "authorization_pending"}, 400)
            case "client_credentials":
                return self._give()
        return json_reply({"error": "unsupported_grant_type"}, 400)

    def _client(self, asked: Asked, form: dict[str, str]) -> tuple[str, str]:
        basic = asked.headers.get("authorization", "")
        if basic.startswith("Basic "):
            user, _, password = base64.b64decode(basic[6:]).decode().partition(":")
            return user, password
        return form.get("client_id", ""), form.get("client_secret", "")

    def _code(self, form: dict[str, str]) -> Reply:
        query = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if query is None or challenge != query["code_challenge"] or form.get("redirect_uri") != query["redirect_uri"]:
            return json_reply({"error": "invalid_grant"}, 400)
        return self._give()

    def _refresh(self, form: dict[str, str]) -> Reply:
        given = form.get("refresh_token", "")
        if given != self.refresh:
            if given in self._used:
                self.revoke()
            return json_reply({"error": "invalid_grant"}, 400)
        self._used.add(given)
        self.renewed += 1
        self.access.clear()
        return self._give()

    def _give(self) -> Reply:
        token = secrets.token_urlsafe(12)
        self.access.add(token)
        self.refresh = secrets.token_urlsafe(12)
        said = {"access_token": token, "token_type": "Bearer", "expires_in": self.lasts_s}
        return Reply(json.dumps({**said, "refresh_token": self.refresh}).encode())

    def revoke(self) -> None:
        """End the sign-in."""
        self.access.clear()
        self.refresh = ""


@contextmanager
def oauth_server(**given: str) -> Iterator[tuple[OAuthServer, HttpServer]]:
    """Serve until the block ends."""
    made = OAuthServer(**given)
    with http_server(made.answer) as server:
        made.url = server.url
        yield made, server
