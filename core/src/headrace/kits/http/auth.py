"""Signing in: what a request carries that only the service's own origin gets."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from headrace.kits.http import signatures
from headrace.kits.http.parts import Auth, BasicAuth, BearerAuth, HeaderAuth, Hmac, OAuth2, QueryAuth, SigV4
from headrace.kits.http.tokens import Fetched, basic, fetch
from headrace.sdk.config import Config, Secret
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import AuthError, ConfigError
from headrace.sdk.host import ConnectionHost

BY_PERSON = frozenset({"authorization_code", "device_code"})
"""Grants whose tokens the host keeps."""


class SignIn:
    """Credentials of one connection.

    Args:
        auth: How the service is signed in to; None: nobody does.
        config: Where the values are.
        client: Fetches tokens.
        host: Has the tokens of a connection that a person connected; asked at first use.
    """

    def __init__(
        self, auth: Auth | None, config: Config, client: EgressClient,
        host: Callable[[], ConnectionHost | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._auth = auth
        self.config = config
        self.client = client
        self._host = host
        self._token = Fetched()

    def signed(self, method: str, url: str, body: bytes = b"") -> tuple[str, dict[str, str]]:
        """Address and headers to send a request with.

        Raises:
            ConfigError: a value is missing or no header can hold it.
            AuthError: no token is given for these credentials.
        """
        match self._auth:
            case None:
                return url, {}
            case BearerAuth(field=field):
                return url, {"Authorization": f"Bearer {self._value(field)}"}
            case HeaderAuth(name=name, field=field, prefix=prefix):
                return url, {name: f"{prefix}{self._value(field)}"}
            case QueryAuth(name=name, field=field):
                return _with_query(url, name, self._value(field)), {}
            case BasicAuth(user=user, password=password):
                return url, {"Authorization": basic(self._value(user), self._value(password))}
            case OAuth2() as auth:
                return url, {"Authorization": f"Bearer {self._access(auth)}"}
            case SigV4() as auth:
                session = self._value(auth.session_token, empty=True) if auth.session_token else ""
                keys = signatures.Keys(self._value(auth.access_key), self._value(auth.secret_key), session)
                return url, signatures.sigv4(method, url, body, keys, auth.service, self._value(auth.region))
            case Hmac() as auth:
                return url, _hashed(auth, self._value(auth.field), method, url, body)

    def secrets(self) -> Iterator[str]:
        """Texts that no message may show."""
        for name in self.config.__struct_fields__:
            value = getattr(self.config, name)
            if isinstance(value, Secret) and value:
                yield value.reveal()
                yield quote(value.reveal(), safe="")
        if isinstance(self._auth, BasicAuth):
            yield self.signed("GET", "")[1]["Authorization"].removeprefix("Basic ")
        if self._token.access:
            yield self._token.access

    def renew(self) -> bool:
        """Forget a fetched token, after the service has refused it; whether there was one."""
        refused, self._token = self._token, Fetched(refresh=self._token.refresh, refused=self._token.access)
        return bool(refused.access)

    def _value(self, field: str, *, empty: bool = False) -> str:
        value = getattr(self.config, field)
        text = value.reveal() if isinstance(value, Secret) else str(value)
        if not text and not empty:
            raise ConfigError(f"'{field}' is empty; enter it in the connection", field=field)
        plain = isinstance(self._auth, BearerAuth | HeaderAuth | SigV4)
        multiline = isinstance(self._auth, OAuth2 | Hmac)
        if not multiline and (not text.isprintable() or (plain and not text.isascii())):
            raise ConfigError(f"'{field}' holds a character that cannot be sent; enter it again", field=field)
        return text

    def _access(self, auth: OAuth2) -> str:
        if self._token.access and time.monotonic() < self._token.until:
            return self._token.access
        if auth.grant in BY_PERSON:
            host = self._host()
            if host is None:
                raise AuthError("nobody has connected this connection; open it and connect")
            self._token = Fetched(access=host.token(self._token.refused))
        else:
            self._token = self.fetched(auth, self._token.refresh)
        return self._token.access

    def fetched(self, auth: OAuth2, refresh: str) -> Fetched:
        """A token by the declared grant; a service with a grant of its own overrides this.

        Raises:
            AuthError, ConfigError, TransientError: see `tokens.fetch`.
        """
        return fetch(auth, lambda name: self._value(name, empty=True), self.client, refresh)


def by_person(config: Config, host: Callable[[], ConnectionHost | None]) -> SignIn:
    """Signs in as who connected the connection; the host keeps the tokens."""
    return SignIn(OAuth2(grant="authorization_code"), config, EgressClient(), host)


def _with_query(url: str, name: str, value: str) -> str:
    """The address with the parameter at its end, and nowhere else."""
    parts = urlsplit(url)
    rest = [part for part in parts.query.split("&") if part and part.partition("=")[0] != quote(name, safe="")]
    return urlunsplit(parts._replace(query="&".join([*rest, urlencode({name: value})])))


def _hashed(auth: Hmac, secret: str, method: str, url: str, body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    known: dict[Literal["time", "method", "path", "body"], bytes] = {
        "time": at.encode(), "method": method.encode(), "path": path.encode(), "body": body,
    }  # fmt: skip
    text = auth.separator.encode().join(known[name] for name in auth.signed)
    digest = hmac.new(secret.encode(), text, getattr(hashlib, auth.algorithm)).digest()
    value = digest.hex() if auth.encoding == "hex" else b64encode(digest).decode()
    return {auth.header: f"{auth.prefix}{value}", **({auth.time_header: at} if auth.time_header else {})}
