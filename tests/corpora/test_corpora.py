"""Every payload of every corpus against its door: none goes through."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jwt
import msgspec
import narwhals as nw
import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from headrace.accounts.tokens import Claims, Signer
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.ids import new_id
from headrace.sdk import ConfigError
from headrace.sdk.config import Secret
from headrace.sdk.egress import EgressPolicy, check_host, check_url
from headrace.sdk.errors import Unauthenticated
from headrace.sdk.expressions import expression
from headrace.sdk.frames import columns
from headrace.sdk.sqlpolicy import check_select
from headrace.sdk.text import render

from tests.corpora import payloads

CLOSED = EgressPolicy()
FRAME = nw.from_native(pl.LazyFrame({"i": [1], "s": ["a"]}))
CPU_MAX_S = 5
"""No payload may exhaust: the bounds that refuse it act long before."""
LEADS_TO = "127.0.0.1"
"""What every name leads to; no message tells it."""
CONTEXT = {"params": {"day": "2024-01-01", "n": 3, "items": ["a", "b"]}, "execution": {"id": "e1"}}


def host(text: str) -> None:
    place = check_url(f"http://{text}/", policy=CLOSED)
    check_host(place.host, place.port, policy=CLOSED, resolver=lambda *_: [LEADS_TO])


def url(text: str) -> None:
    check_url(text, policy=CLOSED)


def sql(text: str) -> None:
    check_select(text, dialect="postgres", relations={"e", "f"})


def template(text: str) -> None:
    render(text, CONTEXT)


def over_columns(text: str) -> None:
    FRAME.select(x=expression(text, columns(FRAME))).collect()


DOORS: dict[str, Callable[[str], None]] = {
    "ssrf": host, "urls": url, "sql": sql, "templates": template, "expressions": over_columns,
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_no_payload_goes_through(name, told):
    through, slow, found = [], [], payloads(name)
    with suppress(ConfigError):
        DOORS[name](next(iter(found.values())))  # what is imported on first use costs no payload anything
    for id_, text in found.items():
        started = time.process_time()
        try:
            DOORS[name](text)
        except ConfigError as error:
            if len(error.message) < 10 or (LEADS_TO in error.message and LEADS_TO not in text):
                through.append(f"{id_} {text!r} is told too little or too much: {error.message}")
        else:
            through.append(f"{id_} {text!r}")
        if time.process_time() - started > CPU_MAX_S:
            slow.append(id_)
    said = f"{name}: {len(found)} payloads tried, {len(through)} through, {len(slow)} slow"
    told(said, **{f"payloads_{name}": len(found), f"payloads_{name}_through": len(through)})
    assert not through, "\n".join(through)
    assert not slow


class Mint:
    """Makes tokens with the right key."""

    def __init__(self) -> None:
        ring = KeyRing([Secret(generate_key())])
        self.signer = Signer(ring)
        _, raw = next(iter(ring.derive("access-token").items()))
        self.key = Ed25519PrivateKey.from_private_bytes(raw)
        self.good = self.signer.issue(Claims(new_id(), new_id(), new_id(), "1.1"))
        self.head = jwt.get_unverified_header(self.good)
        self.body = jwt.decode(self.good, options={"verify_signature": False})

    def made(self, change: dict[str, Any]) -> str:
        """The good token with a change."""
        stem, _, signature = self.good.rpartition(".")
        if "signature" in change:
            loose = signature[:-1] + chr(ord(signature[-1]) + 1)
            flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
            made = {
                "stripped": stem, "flipped": f"{stem}.{flipped}", "doubled": f"{stem}.{signature * 2}",
                "padded": f"{stem}.{signature}==", "reversed": f"{stem}.{signature[::-1]}",
                "newline": f"{stem}.{signature}\n", "loose bits": f"{stem}.{loose}",
            }  # fmt: skip
            return made.get(change["signature"], f"{stem}.{change['signature']}")
        body = {k: v for k, v in {**self.body, **change.get("claims", {})}.items() if k != change.get("drop")}
        signed = ".".join(_b64(one) for one in ({**self.head, **change.get("headers", {})}, body))
        return f"{signed}.{_b64(self.key.sign(signed.encode()))}"


def _b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_no_changed_token_passes(told):
    mint, through = Mint(), []
    mint.signer.verify(mint.made({}))
    found = payloads("jwt")
    for id_, text in found.items():
        try:
            mint.signer.verify(mint.made(msgspec.json.decode(text)))
        except Unauthenticated:
            continue
        through.append(f"{id_} {text}")
    said = f"jwt: {len(found)} payloads tried, {len(through)} through"
    told(said, payloads_jwt=len(found), payloads_jwt_through=len(through))
    assert not through, "\n".join(through)
