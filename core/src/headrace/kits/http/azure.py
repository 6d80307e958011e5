"""Azure Storage: requests signed by the key of an account, or sent with a shared access signature (SAS)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

from headrace.sdk.errors import ConfigError

VERSION = "2023-11-03"
_PLAIN = ("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
          "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range")  # fmt: skip


class SharedKey:
    """Credentials of one account.

    Args:
        account: Its name, as signatures have it.
        key: Base64 of the account's key; empty where there is a token.
        token: A SAS token, as a query.

    Raises:
        ConfigError: the key is no base64 text.
    """

    def __init__(self, account: str, key: str, token: str) -> None:
        self._account = account
        self._token = token.lstrip("?")
        try:
            self._key = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise ConfigError("the account key is no base64 text; copy it again", field="account_key") from None

    def address(self, url: str) -> str:
        """Where a request goes: with the token, if there is one."""
        return f"{url}{'&' if '?' in url else '?'}{self._token}" if self._token else url

    @staticmethod
    def dated(headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers, with the version of the API and this moment."""
        return {
            **(headers or {}),
            "x-ms-version": VERSION,
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
        }

    def signed(self, method: str, url: str, headers: Mapping[str, str], size: int) -> dict[str, str]:
        """What is sent beside dated headers and a body of so many bytes; empty where the token is enough."""
        if not self._key:
            return {}
        named = {name.lower(): value for name, value in headers.items()} | {"content-length": str(size or "")}
        plain = [named.get(name, "") for name in _PLAIN]
        own = [f"{name}:{value}" for name, value in sorted(named.items()) if name.startswith("x-ms-")]
        place = urlsplit(url)
        query = [f"{name.lower()}:{value}" for name, value in sorted(parse_qsl(place.query, keep_blank_values=True))]
        text = "\n".join([method, *plain, *own, f"/{self._account}{place.path}", *query])
        signature = base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()).decode()
        return {"authorization": f"SharedKey {self._account}:{signature}"}
