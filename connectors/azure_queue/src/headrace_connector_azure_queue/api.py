"""The REST API of Azure Queue Storage, signed with a key or a SAS token; every request leaves by the door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from headrace.kits.files.http_fs import parsed_xml, text_at
from headrace.kits.http.azure import SharedKey
from headrace.sdk import AuthError, ConfigError, HeadraceError, TransientError
from headrace.sdk.egress_http import Answer, EgressClient
from msgspec import Struct

from headrace_connector_azure_queue import AzureQueueConfig

PAGE = 32
"""Messages of one answer, at most."""


class Message(Struct):
    """One that is hidden from others; `receipt` changes with each renewal."""

    id: str
    receipt: str
    text: str
    inserted: datetime | None
    count: int


class Queues:
    """Queues of one account."""

    def __init__(self, config: AzureQueueConfig) -> None:
        self._config = config
        self._base = (config.endpoint or f"https://{config.account}.queue.core.windows.net").rstrip("/")
        self._client = EgressClient()
        self._key = SharedKey(config.account, config.account_key.reveal(), config.sas_token.reveal())

    def names(self, limit: int = 5_000) -> Iterator[str]:
        """All queues, page by page."""
        query = {"comp": "list", "maxresults": str(limit)}
        while True:
            found = parsed_xml(self._call("GET", "", query).body)
            yield from (text_at(one, "Name") for one in found.iter("Queue"))
            query["marker"] = text_at(found, "NextMarker")
            if not query["marker"]:
                return

    def make(self, name: str) -> None:
        """Make a queue; one that is there is fine."""
        self._call("PUT", name)

    def exists(self, name: str) -> bool:
        """Whether there is such a queue."""
        return self._call("GET", name, {"comp": "metadata"}, missing=True).status != 404

    def take(self, name: str, hidden_s: int, count: int) -> list[Message]:
        """The next messages, hidden from others for a while."""
        query = {"numofmessages": str(count), "visibilitytimeout": str(hidden_s)}
        answer = self._call("GET", f"{name}/messages", query)
        return [_message(one) for one in parsed_xml(answer.body).iter("QueueMessage")]

    def put(self, name: str, text: str) -> None:
        """Send a message that stays until it is taken."""
        body = f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode()
        self._call("POST", f"{name}/messages", {"messagettl": "-1"}, body=body)

    def hide(self, name: str, message: Message, seconds: int) -> None:
        """Hide it for so long from now on; 0 gives it back. One that somebody else has taken since stays theirs."""
        query = {"popreceipt": message.receipt, "visibilitytimeout": str(seconds)}
        answer = self._call("PUT", f"{name}/messages/{message.id}", query, missing=True)
        message.receipt = answer.headers.get("x-ms-popreceipt", message.receipt)

    def delete(self, name: str, message: Message) -> None:
        """Delete it. One that is gone already, or that somebody else has taken since, is left as it is."""
        self._call("DELETE", f"{name}/messages/{message.id}", {"popreceipt": message.receipt}, missing=True)

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, *, body: bytes = b"",
        missing: bool = False,
    ) -> Answer:  # fmt: skip
        url = f"{self._base}/{quote(path, safe='/')}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        headers = self._key.dated({"content-type": "application/xml"} if body else None)
        signed = self._key.signed(method, url, headers, len(body))
        answer = self._client.request(method, self._key.address(url), headers=headers, credentials=signed, body=body)
        if answer.status < 300 or (missing and _gone(answer)):
            return answer
        raise self._refusal(answer)

    def _refusal(self, answer: Answer) -> HeadraceError:
        said, where = answer.body[:1_000].decode(errors="replace"), f"the queues of '{self._config.account}'"
        if answer.status in {401, 403}:
            return AuthError(f"{where} refuse the key or the token, or it does not allow this; correct it", detail=said,
                             field="account_key")  # fmt: skip
        if answer.status in {408, 429} or answer.status >= 500:
            return TransientError(f"{where} cannot answer now ({answer.status}); it is tried again", detail=said)
        return ConfigError(f"{where} refuse the request ({answer.status}, {_code(answer)}); correct the queue's name",
                           detail=said, field="stream")  # fmt: skip

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def _code(answer: Answer) -> str:
    return answer.headers.get("x-ms-error-code", "") or "no reason"


def _gone(answer: Answer) -> bool:
    return answer.status == 404 or (answer.status == 400 and _code(answer) == "PopReceiptMismatch")


def _message(one: Any) -> Message:
    at = text_at(one, "InsertionTime")
    return Message(text_at(one, "MessageId"), text_at(one, "PopReceipt"), text_at(one, "MessageText"),
                   parsedate_to_datetime(at) if at else None, int(text_at(one, "DequeueCount") or 1))  # fmt: skip
