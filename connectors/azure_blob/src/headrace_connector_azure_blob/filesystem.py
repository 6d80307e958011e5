"""The REST API of Azure Blob Storage, as much of it as files need."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from headrace.kits.files.http_fs import Body, parsed_xml, text_at
from headrace.kits.files.object_fs import ObjectFileSystem, Page
from headrace.kits.http.azure import SharedKey
from headrace.sdk.egress_http import Answer


class AzureFileSystem(ObjectFileSystem):
    """Containers of one account, by shared key or SAS token.

    Args:
        endpoint: Address of the account.
        account: Its name, as signatures have it.
        key: Base64 of the account's key; empty where there is a token.
        token: A SAS token, as a query.
    """

    def __init__(self, endpoint: str, account: str, key: str, token: str) -> None:
        super().__init__(endpoint)
        self._key = SharedKey(account, key, token)

    def once(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """Send a request, with the version of the API and its moment."""
        return super().once(method, self._key.address(url), headers=self._key.dated(headers), **more)

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """Shared key over headers and address."""
        if callable(body):
            raise TypeError("Azure signs whole bodies")
        return self._key.signed(method, url, headers, len(body))

    def pages(self, bucket: str, prefix: str, *, deep: bool, limit: int = 1_000) -> Iterator[Page]:
        """Blobs by name."""
        query = {"restype": "container", "comp": "list", "prefix": prefix, "maxresults": str(limit)}
        query |= {} if deep else {"delimiter": "/"}
        more = True
        while more:
            url = f"{self.base}/{quote(bucket)}?{urlencode(query, quote_via=quote)}"
            answer = parsed_xml(self.call("GET", url).body)
            files = [_facts(item) for item in answer.iter("Blob")]
            folders = [text_at(item, "Name") for item in answer.iter("BlobPrefix")]
            yield [facts for facts in files if facts["name"] != prefix], folders
            query["marker"] = text_at(answer, "NextMarker")
            more = bool(query["marker"])

    def put_bytes(self, path: str, body: bytes) -> None:
        """Put a small blob."""
        sent = {"x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream"}
        self.call("PUT", self.url(path), headers=sent, body=body)

    def put_parts(self, path: str, part: Path, size: int) -> None:
        """Put in blocks; the blob is the list of them."""
        names = []
        sent = {"content-type": "application/octet-stream"}
        for number, piece in enumerate(self.pieces(part, size)):
            names.append(base64.b64encode(f"{number:08}".encode()).decode())
            block = quote(names[-1], safe="")
            self.call("PUT", f"{self.url(path)}?comp=block&blockid={block}", headers=sent, body=piece)
        body = "".join(f"<Latest>{name}</Latest>" for name in names)
        listed = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{body}</BlockList>'.encode()
        self.call("PUT", f"{self.url(path)}?comp=blocklist", headers={"content-type": "application/xml"}, body=listed)


def _facts(item: Any) -> dict[str, Any]:
    return {
        "name": unquote(text_at(item, "Name")) if item.find("Name").get("Encoded") == "true" else text_at(item, "Name"),
        "size": int(text_at(item, "Content-Length") or 0), "etag": text_at(item, "Etag"),
        "mtime": parsedate_to_datetime(text_at(item, "Last-Modified")),
    }  # fmt: skip
