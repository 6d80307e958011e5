"""The S3 protocol, as much of it as files need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from headrace.kits.files.http_fs import Body, decoded, parsed_xml, text_at
from headrace.kits.files.object_fs import ObjectFileSystem, Page
from headrace.kits.http.signatures import Keys, sigv4
from headrace.sdk.errors import ConfigError, DataError, HeadraceError, TransientError


class S3FileSystem(ObjectFileSystem):
    """Buckets of one endpoint, addressed by path; every request is signed.

    Args:
        endpoint: Address of the store.
        region: As the signature names it.
        keys: Who signs; without an access key requests are anonymous.
    """

    def __init__(self, endpoint: str, region: str, keys: Keys) -> None:
        super().__init__(endpoint)
        self._region, self._keys = region, keys

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """Signature Version 4 over host, path, query and body."""
        if not self._keys.access:
            return {}
        if callable(body):
            raise TypeError("S3 signs whole bodies")
        return sigv4(method, url, body, self._keys, "s3", self._region)

    @classmethod
    def of(cls, config: Any) -> S3FileSystem:
        """The store of a connection, with its keys and no others."""
        keys = Keys(config.access_key, config.secret_key.reveal(), config.session_token.reveal())
        return cls(config.endpoint or f"https://s3.{config.region}.amazonaws.com", config.region, keys)

    def buckets(self) -> list[str]:
        """All that the keys may list."""
        answer = parsed_xml(self.call("GET", f"{self.base}/").body)
        return sorted(text_at(item, "Name") for item in answer.iter("{*}Bucket"))

    def pages(self, bucket: str, prefix: str, *, deep: bool, limit: int = 1_000) -> Iterator[Page]:
        """Keys by ListObjectsV2."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(limit), "encoding-type": "url"}
        query |= {} if deep else {"delimiter": "/"}
        more = True
        while more:
            answer = parsed_xml(self.call("GET", f"{self.base}/{quote(bucket)}?{encoded(query)}").body)
            files = [_facts(item) for item in answer.iter("{*}Contents")]
            folders = [decoded(text_at(item, "Prefix")) for item in answer.iter("{*}CommonPrefixes")]
            yield [facts for facts in files if facts["name"] != prefix], folders
            query["continuation-token"] = text_at(answer, "NextContinuationToken")
            more = text_at(answer, "IsTruncated") == "true"

    def put_new(self, path: str, body: bytes) -> bool:
        """Put a small file where there is none; whether it is there now as it was given.

        An answer that got lost is not taken for another's file: what is there is compared.
        """
        try:
            self.call("PUT", self.url(path), headers={"if-none-match": "*"}, body=body)
        except DataError:
            return self.cat_file(path) == body
        except ConfigError as error:
            if error.details.get("status") != 409:
                raise
            return False
        return True

    def guards(self, path: str, body: bytes) -> bool:
        """Whether the store refuses to put over a file; tried with what is there already, so that nothing changes."""
        try:
            self.call("PUT", self.url(path), headers={"if-none-match": "*"}, body=body)
        except DataError:
            return True
        return False

    def put_parts(self, path: str, part: Path, size: int) -> None:
        """Put by a multipart upload; one that fails is taken back.

        Raises:
            TransientError: the store does not complete it.
        """
        url = self.url(path)
        upload = encoded({"uploadId": text_at(parsed_xml(self.call("POST", f"{url}?uploads=").body), "UploadId")})
        try:
            tags = []
            for number, piece in enumerate(self.pieces(part, size), 1):
                answer = self.call("PUT", f"{url}?partNumber={number}&{upload}", body=piece)
                tags.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers['etag']}</ETag></Part>")
            body = f"<CompleteMultipartUpload>{''.join(tags)}</CompleteMultipartUpload>".encode()
            done = parsed_xml(self.call("POST", f"{url}?{upload}", body=body).body)
        except BaseException:
            with contextlib.suppress(HeadraceError, FileNotFoundError):
                self.once("DELETE", f"{url}?{upload}")
            raise
        if done.tag.endswith("Error"):  # with status 200, as the answer begins before the work
            said = text_at(done, "Message")
            raise TransientError(f"'{self.host}' does not complete the upload; it is tried again", detail=said)


def _facts(item: Any) -> dict[str, Any]:
    return {
        "name": decoded(text_at(item, "Key")), "size": int(text_at(item, "Size")), "etag": text_at(item, "ETag"),
        "mtime": datetime.fromisoformat(text_at(item, "LastModified")),
    }  # fmt: skip


def encoded(query: Mapping[str, str]) -> str:
    """A query as it is signed: percent signs only, no plus."""
    return urlencode(query, quote_via=quote, safe="-_.~")
