"""AWS Signature Version 4 of a request."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct


class Keys(Struct, frozen=True):
    """Credentials; `session` only of temporary ones."""

    access: str
    secret: str
    session: str = ""


def sigv4(
    method: str, url: str, body: bytes, keys: Keys, service: str, region: str, at: datetime | None = None
) -> dict[str, str]:
    """Headers that sign host, path, query and body.

    Args:
        method: Upper case.
        url: As it is sent.
        body: As it is sent.
        keys: Who signs.
        service: E.g. `execute-api`; of `s3` the path is encoded once only.
        region: E.g. `eu-central-1`.
        at: The moment; now by default.
    """
    stamp = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc.rpartition("@")[2], "x-amz-content-sha256": digest, "x-amz-date": stamp}
    if keys.session:
        headers["x-amz-security-token"] = keys.session
    names = ";".join(sorted(headers))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    lines = [method, _path(parts.path, service), _query(parts.query)]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers)]
    canonical = "\n".join([*lines, "", names, digest])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = _hash(key, part)
    signed = f"Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={_hash(key, text).hex()}"
    sent = {name: value for name, value in headers.items() if name != "host"}
    return {**sent, "Authorization": f"AWS4-HMAC-SHA256 {signed}"}


def _hash(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _path(path: str, service: str) -> str:
    sent = quote(unquote(path or "/"), safe="/-_.~")
    return sent if service == "s3" else quote(sent, safe="/-_.~")


def _query(query: str) -> str:
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
